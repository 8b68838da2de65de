package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// The types below have fields of a pod with the same meaning. The types of a pod are not used, since every string and list of this API has
// a limit, and since the whole schema must fit into the annotation of a client-side apply.

// Worker has the settings of the pods that build the mix.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.minParallelism) || self.minParallelism < (has(self.parallelism) ? self.parallelism : 6)",message="The minParallelism must be less than the parallelism, which is 6 where it is unset."
type Worker struct {
	// parallelism is the number of pods of a stage that run at once. At least 1, at most 64. On a claim with the access mode
	// ReadWriteOncePod it is always 1. Unset is 6. A change applies at once; to a Job in a queue, when it is created again.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=64
	Parallelism int32 `json:"parallelism,omitempty"`

	// minParallelism is the least number of concurrent pods with which Kueue may admit the Job of a stage; Kueue admits as many as the
	// quota allows. At least 1, at most 63, and less than parallelism. Unset is parallelism. It has no effect without a queue. Changes
	// apply to Jobs that are not created yet, or wait in a queue.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=63
	MinParallelism int32 `json:"minParallelism,omitempty"`

	// activeDeadlineSeconds is the number of seconds that the Job of a stage may run, retries included. If it takes longer, the mix
	// stalls. Time in a queue or while suspended does not count. At least 60, at most 31536000, a year. Unset is no limit. Changes apply
	// to Jobs that are not created yet.
	//
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=31536000
	ActiveDeadlineSeconds int64 `json:"activeDeadlineSeconds,omitempty"`

	// resources of each worker pod. The defaults are requests of 250m CPU and 512Mi memory, and limits of 2 CPU and 512Mi memory. 512Mi
	// are enough for data of any size if the record uses at most 16Mi of each row; larger rows are refused. More memory makes a worker
	// faster. Changes apply to Jobs that are not created yet.
	//
	// +optional
	Resources *Resources `json:"resources,omitempty"`

	// nodeSelector restricts the nodes of the worker pods to those with all of these labels. At most 16. Unset does not.
	//
	// +optional
	// +mapType=atomic
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=16
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations of the worker pods. At most 16. Unset tolerates nothing beyond what every pod does.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Tolerations []Toleration `json:"tolerations,omitempty"`

	// priorityClassName of the worker pods. Its name must not begin with "system-", which is for pods of the cluster itself. Unset is the
	// cluster's default.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('system-')",message="A priorityClassName that begins with system- is for pods of the cluster itself, which a worker must not push aside; name another one."
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// runtimeClassName of the worker pods, for example of a sandbox. Unset is the cluster's default runtime.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	RuntimeClassName string `json:"runtimeClassName,omitempty"`

	// serviceAccountName of the worker pods. They never mount its token; it matters for image pull secrets, admission policies and
	// workload identities. Unset is the namespace's default account.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// imagePullSecrets of the worker pods. At most 8. Unset uses those of the service account.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	ImagePullSecrets []LocalReference `json:"imagePullSecrets,omitempty"`

	// proxy is the proxy for downloads. Unset connects to the hosts of sources directly.
	//
	// +optional
	Proxy *Proxy `json:"proxy,omitempty"`
}

// Proxy defines which requests use a proxy. It sets the worker's HTTP_PROXY, HTTPS_PROXY and NO_PROXY. It has no credentials, since more
// people may read a mix than a Secret.
//
// +kubebuilder:validation:MinProperties=1
type Proxy struct {
	// http is the proxy for addresses that begin with http://, for example http://proxy.example.org:3128. Unset is none.
	//
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^(https?|socks5h?)://[^\s/?#@]+/?$`
	HTTP string `json:"http,omitempty"`

	// https is the proxy for addresses that begin with https://. It only forwards the encrypted connection. Unset is none.
	//
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^(https?|socks5h?)://[^\s/?#@]+/?$`
	HTTPS string `json:"https,omitempty"`

	// noProxy are hosts to connect to directly: a name with its subdomains (example.org, cluster.local), only the subdomains of a name
	// (.example.org), an IP address, or a range of addresses (10.0.0.0/8), each with or without a port. At most 64. Unset is only the
	// pod itself.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	NoProxy []ProxyException `json:"noProxy,omitempty"`
}

// ProxyException is a host, a domain or a range of addresses.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[A-Za-z0-9.:/\[\]*_-]+$`
type ProxyException string

// Resources are the compute resources of a worker pod.
//
// +kubebuilder:validation:MinProperties=1
type Resources struct {
	// requests are the amounts that the scheduler reserves.
	//
	// +optional
	Requests *ResourceAmounts `json:"requests,omitempty"`

	// limits are the amounts that a pod may not exceed.
	//
	// +optional
	Limits *ResourceAmounts `json:"limits,omitempty"`
}

// ResourceAmounts are amounts of the resources that a worker uses.
//
// +kubebuilder:validation:MinProperties=1
type ResourceAmounts struct {
	// cpu in cores, for example 500m or 4.
	//
	// +optional
	CPU *resource.Quantity `json:"cpu,omitempty"`

	// memory in bytes, for example 512Mi.
	//
	// +optional
	Memory *resource.Quantity `json:"memory,omitempty"`
}

// TolerationOperator relates a toleration's key to its value.
//
// +kubebuilder:validation:Enum=Exists;Equal
type TolerationOperator string

// TaintEffect is the effect of a taint.
//
// +kubebuilder:validation:Enum=NoSchedule;PreferNoSchedule;NoExecute
type TaintEffect string

// Toleration allows worker pods on nodes with a matching taint. The fields have the same meaning as in a pod.
//
// +kubebuilder:validation:XValidation:rule="has(self.key) || (has(self.operator) && self.operator == 'Exists')",message="A toleration without a key must have the operator Exists."
// +kubebuilder:validation:MinProperties=1
type Toleration struct {
	// key of the taint. Unset, with the operator Exists, matches every taint.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	Key string `json:"key,omitempty"`

	// operator is Equal or Exists. Unset is Equal.
	//
	// +optional
	Operator TolerationOperator `json:"operator,omitempty"`

	// value of the taint, for the operator Equal. Unset is the empty value.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Value string `json:"value,omitempty"`

	// effect of the taint. Unset matches every effect.
	//
	// +optional
	Effect TaintEffect `json:"effect,omitempty"`

	// tolerationSeconds is the number of seconds that a pod stays on its node after a taint with the effect NoExecute was added. Unset
	// is forever.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	TolerationSeconds *int64 `json:"tolerationSeconds,omitempty"`
}

// LocalReference names an object in the same namespace.
type LocalReference struct {
	// name of the object.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// The fields below look like those of a pod and mean the same. They are types of our own because every string and list
// of this API is bounded, which those of a pod are not, and because the whole schema has to fit the annotation of a
// client-side apply.

// Worker defines what the pods that build the mix are given.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.minParallelism) || self.minParallelism < (has(self.parallelism) ? self.parallelism : 6)",message="The minParallelism must be less than the parallelism, which is 6 where it is unset."
type Worker struct {
	// parallelism is how many pods of a stage run at once. At least 1, at most 64. A claim with the access mode
	// ReadWriteOncePod has one at a time whatever this says. Unset is 6. A change applies at once; to a Job in a queue, when
	// it is made again.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=64
	Parallelism int32 `json:"parallelism,omitempty"`

	// minParallelism is how many pods of a stage have to run at once at least for Kueue to admit the Job of the stage; Kueue then
	// lets as many run as the quota has room for. At least 1, at most 63, and less than parallelism. Unset is all of them. It
	// means nothing where no queue is. Changes apply to Jobs that are not made yet, or wait in a queue.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=63
	MinParallelism int32 `json:"minParallelism,omitempty"`

	// activeDeadlineSeconds is how many seconds the Job of a stage may run, all its retries included; a mix whose stage takes
	// longer is stalled. Time in a queue or while suspended does not count. At least 60, at most 31536000, a year. Unset is
	// without end. Changes apply to Jobs that are not made yet.
	//
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=31536000
	ActiveDeadlineSeconds int64 `json:"activeDeadlineSeconds,omitempty"`

	// resources of each worker pod. Unset amounts are: requests of 250m CPU and 512Mi memory, limits of 2 CPU and 512Mi
	// memory. A worker keeps its memory within 512Mi whatever the size of the data, for rows of which the record wants 16Mi
	// at most, and refuses larger ones; more memory makes it faster. Changes apply to Jobs that are not made yet.
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

	// priorityClassName of the worker pods. Unset is the cluster's default. It is none of the cluster's own, whose names begin
	// with "system-".
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

	// serviceAccountName of the worker pods. They never mount its token; it matters for image pull secrets and admission
	// policies. Unset is the namespace's default account.
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

	// proxy is the way of downloads to the hosts of their sources. Unset connects to them directly.
	//
	// +optional
	Proxy *Proxy `json:"proxy,omitempty"`
}

// Proxy defines which requests go by way of a proxy. It is the worker's HTTP_PROXY, HTTPS_PROXY and NO_PROXY. There is no place for
// credentials: a mix is read by more people than a Secret.
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

	// https is the proxy for addresses that begin with https://. It makes the connection and sees nothing of what is
	// sent. Unset is none.
	//
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^(https?|socks5h?)://[^\s/?#@]+/?$`
	HTTPS string `json:"https,omitempty"`

	// noProxy are hosts that are connected to directly: a name and all below it (example.org, cluster.local), all below a name
	// and not itself (.example.org), an IP address, or a range of them (10.0.0.0/8), each with a port or without. At most 64.
	// Unset is none but this machine.
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
	// requests are what the scheduler sets aside.
	//
	// +optional
	Requests *ResourceAmounts `json:"requests,omitempty"`

	// limits are what a pod may not exceed.
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

// TaintEffect is what a taint does.
//
// +kubebuilder:validation:Enum=NoSchedule;PreferNoSchedule;NoExecute
type TaintEffect string

// Toleration lets a worker pod onto nodes with a matching taint. The fields mean what they mean in a pod.
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

	// tolerationSeconds is for how long a pod stays on its node after a taint with the effect NoExecute appeared. Unset is
	// for ever.
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

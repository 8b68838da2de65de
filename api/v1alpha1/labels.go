package v1alpha1

// Kind is the kind of a DatasetMix.
const Kind = "DatasetMix"

// Labels on all objects that the operator creates for a mix. It selects them by LabelUID and the owner reference, never by a prefix of their
// names. Labels and annotations of the mix are not copied: GitOps tools would delete the objects as their own.
const (
	// LabelName holds the name of the mix (at most 40 characters, so it always fits a label).
	LabelName = "data.datasetmix.io/datasetmix-name"
	// LabelUID holds the UID of the mix.
	LabelUID = "data.datasetmix.io/datasetmix-uid"
	// LabelStage holds the name of the stage on Jobs, their pods and their task ConfigMaps.
	LabelStage = "data.datasetmix.io/stage"
	// LabelClaim holds the hash of the output claim's name on worker pods. If the claim can be attached to one node only, pods with the
	// same value run on the same node.
	LabelClaim = "data.datasetmix.io/claim"
	// LabelOrphaned is "true" on a claim that the operator created and whose mix was deleted.
	LabelOrphaned = "data.datasetmix.io/orphaned"
	// LabelNetwork holds LabelValueFetch on worker pods that may have to reach their sources over the network; pods without it
	// need none.
	LabelNetwork = "data.datasetmix.io/network"
)

// Labels of Kueue. They are the only labels that are copied from the mix to its Jobs. A Job with a queue is created suspended; from then on
// only Kueue decides whether it runs.
const (
	// LabelQueue names the LocalQueue.
	LabelQueue = "kueue.x-k8s.io/queue-name"
	// LabelQueuePriority names the WorkloadPriorityClass.
	LabelQueuePriority = "kueue.x-k8s.io/priority-class"
	// LabelJobUID is on a Workload, and holds the UID of its Job.
	LabelJobUID = "kueue.x-k8s.io/job-uid"
)

// AnnotationMinParallelism is, on a Job, the least number of concurrent pods with which Kueue may admit it.
const AnnotationMinParallelism = "kueue.x-k8s.io/job-min-parallelism"

// Annotations on the Jobs and ConfigMaps that the operator makes for a mix.
const (
	// AnnotationUnits lists the content keys of the units that the Job builds, separated by commas: the first 16 hex digits of each.
	AnnotationUnits = "data.datasetmix.io/units"
	// AnnotationChain is the name of a chain, on a Job whose single pod builds its units and those of all later stages.
	AnnotationChain = "data.datasetmix.io/chain"
	// AnnotationAttempt holds the number of the attempt, from 1.
	AnnotationAttempt = "data.datasetmix.io/attempt"
	// AnnotationBuild holds the id that all log lines of one build have in common, those of the manager and of the workers.
	AnnotationBuild = "data.datasetmix.io/build"
	// AnnotationGeneration holds the generation of the mix that the Job was made for.
	AnnotationGeneration = "data.datasetmix.io/generation"
	// AnnotationTemplate holds, on a Job, the hash of its pods' settings and its queue. A suspended Job whose hash differs from that of
	// the mix now is created again.
	AnnotationTemplate = "data.datasetmix.io/template"
	// AnnotationLocation is the location of the results: the claim's name, its UID and the folder, separated by slashes. Results of
	// another location are ignored.
	AnnotationLocation = "data.datasetmix.io/location"
)

// Annotations that people and tools set on a mix.
const (
	// AnnotationRequestedAt requests, by any new value, a check of the sources whose content may change under the same name, and a new
	// attempt at a failed stage. By convention the value is the time.
	AnnotationRequestedAt = "data.datasetmix.io/requestedAt"
	// AnnotationForceAt requests, with the same new value as AnnotationRequestedAt, to build everything again.
	AnnotationForceAt = "data.datasetmix.io/forceAt"
)

// AnnotationRequest holds, on a Job, the request that the Job was made for; it is absent before the first.
const AnnotationRequest = "data.datasetmix.io/request"

// Values of the recommended labels of Kubernetes on all objects that the operator creates for a mix.
const (
	// LabelValueName is the value of app.kubernetes.io/name.
	LabelValueName = "datasetmix-worker"
	// LabelValuePartOf is the value of app.kubernetes.io/part-of.
	LabelValuePartOf = "datasetmix"
	// LabelValueManagedBy is the value of app.kubernetes.io/managed-by.
	LabelValueManagedBy = "datasetmix-operator"
	// LabelValueFetch is the value of LabelNetwork.
	LabelValueFetch = "fetch"
)

package v1alpha1

// Kind is the kind of a DatasetMix.
const Kind = "DatasetMix"

// Labels on everything that the operator makes for a mix. Selection is always by LabelUID together with the owner
// reference, never by a name's prefix; labels and annotations of the mix itself are not copied, so that GitOps tools do
// not take the children for their own.
const (
	// LabelName holds the name of the mix (at most 40 characters, so it always fits a label).
	LabelName = "data.datasetmix.io/datasetmix-name"
	// LabelUID holds the UID of the mix.
	LabelUID = "data.datasetmix.io/datasetmix-uid"
	// LabelStage holds the name of the stage on Jobs, their pods and their task ConfigMaps.
	LabelStage = "data.datasetmix.io/stage"
	// LabelClaim holds the hash of the output claim's name on worker pods; pods with the same value are put on one node
	// where the claim can only be attached to one.
	LabelClaim = "data.datasetmix.io/claim"
	// LabelOrphaned is "true" on a claim that the operator made and whose mix is gone.
	LabelOrphaned = "data.datasetmix.io/orphaned"
	// LabelNetwork holds LabelValueFetch on worker pods that may have to reach their sources over the network; pods without it
	// need none.
	LabelNetwork = "data.datasetmix.io/network"
)

// Labels of Kueue. Those of the mix are passed on to its Jobs, the only labels that are. A Job with a queue is made suspended,
// and whether it runs is from then on up to Kueue alone.
const (
	// LabelQueue names the LocalQueue.
	LabelQueue = "kueue.x-k8s.io/queue-name"
	// LabelQueuePriority names the WorkloadPriorityClass.
	LabelQueuePriority = "kueue.x-k8s.io/priority-class"
	// LabelJobUID is on a Workload, and holds the UID of its Job.
	LabelJobUID = "kueue.x-k8s.io/job-uid"
)

// AnnotationMinParallelism tells Kueue, on a Job, with how many pods at once it may be admitted at least.
const AnnotationMinParallelism = "kueue.x-k8s.io/job-min-parallelism"

// Annotations on the Jobs and ConfigMaps that the operator makes for a mix.
const (
	// AnnotationUnits lists, separated by commas, the content keys of the units that the Job builds: of each SHA-256 in hex
	// the first 16 digits.
	AnnotationUnits = "data.datasetmix.io/units"
	// AnnotationChain names what the one pod of a Job builds: its units, and those of every later stage. It is on no other Job.
	AnnotationChain = "data.datasetmix.io/chain"
	// AnnotationAttempt holds the number of the attempt, from 1.
	AnnotationAttempt = "data.datasetmix.io/attempt"
	// AnnotationBuild holds the id that all log lines of one build have in common, those of the manager and of the workers.
	AnnotationBuild = "data.datasetmix.io/build"
	// AnnotationGeneration holds the generation of the mix that the Job was made for.
	AnnotationGeneration = "data.datasetmix.io/generation"
	// AnnotationTemplate holds, on a Job, the hash of what the mix asks of its pods and its queue: a Job that is suspended and has
	// another one than the mix asks for now is made again.
	AnnotationTemplate = "data.datasetmix.io/template"
	// AnnotationLocation is where the results are: the claim's name, its UID and the folder, separated by slashes.
	// Results of another location are none.
	AnnotationLocation = "data.datasetmix.io/location"
)

// Annotations that people and tools set on a mix.
const (
	// AnnotationRequestedAt asks, by any new value, to look at the sources again whose content may change under the same name,
	// and to try again what has failed. By convention the value is the time.
	AnnotationRequestedAt = "data.datasetmix.io/requestedAt"
	// AnnotationForceAt asks, with the same new value as AnnotationRequestedAt, to build everything again even if it is there.
	AnnotationForceAt = "data.datasetmix.io/forceAt"
)

// AnnotationRequest holds, on a Job, the request that the Job was made for; it is absent before the first.
const AnnotationRequest = "data.datasetmix.io/request"

// Values of the recommended labels of Kubernetes on everything that the operator makes for a mix.
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

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DatasetMixStatus is the observed state of a mix. It is computed from the spec, the results of the workers and the existing Jobs, and the
// controller decides nothing by it. Only published and history remain when the spec is edited.
//
// +kubebuilder:validation:MinProperties=1
type DatasetMixStatus struct {
	// conditions of the mix: Ready always; Reconciling while work is in progress; Stalled while a person has to act.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the newest generation for which the mix is Ready or Stalled; -1 before there is one.
	//
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`

	// lastHandledRequestedAt is the last value of the annotation data.datasetmix.io/requestedAt that was handled, or the SHA-256 of a
	// value of more than 128 bytes.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	LastHandledRequestedAt string `json:"lastHandledRequestedAt,omitempty"`

	// lastHandledForceAt is the last value of the annotation data.datasetmix.io/forceAt that was handled, or the SHA-256 of a value of
	// more than 128 bytes.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	LastHandledForceAt string `json:"lastHandledForceAt,omitempty"`

	// lastRefreshTime is when a check of the sources was last requested; unset if it never was.
	//
	// +optional
	LastRefreshTime *metav1.Time `json:"lastRefreshTime,omitempty"`

	// summary has the present state in a few words, for people.
	//
	// +optional
	Summary *Summary `json:"summary,omitempty"`

	// stages of the build of the present generation, in their order.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Stages []StageStatus `json:"stages,omitempty"`

	// splits has the number of rows of each mixed split, once there is a plan.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Splits []SplitStatus `json:"splits,omitempty"`

	// domains has the share of each domain, sorted by name, once there is a plan.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Domains []DomainStatus `json:"domains,omitempty"`

	// datasets has the sources and counts of the data sets, sorted by name.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Datasets []DatasetStatus `json:"datasets,omitempty"`

	// published is the newest published revision. It remains while the next one is built, and if that fails.
	//
	// +optional
	Published *Published `json:"published,omitempty"`

	// history has the last 10 published revisions and those that are held, newest first. Whether an old one is still on the volume
	// depends on spec.output.keepRevisions and keepSeconds.
	//
	// +optional
	// +listType=map
	// +listMapKey=revision
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=40
	History []HistoryEntry `json:"history,omitempty"`

	// held are the revisions beyond spec.output.keepRevisions that pods of the namespace read, newest first, at most 30. They remain
	// on the volume until the first publication after these pods have ended. The list is updated while the mix is Ready.
	//
	// +optional
	// +listType=map
	// +listMapKey=revision
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=30
	Held []HeldRevision `json:"held,omitempty"`
}

// HeldRevision is an old revision that remains because pods read it.
type HeldRevision struct {
	// revision is the name of the revision.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Revision string `json:"revision,omitempty"`

	// bytes of all files of the revision. Files that it shares with other revisions take no further room. Unset if the operator that
	// published it did not record the number.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Bytes *int64 `json:"bytes,omitempty"`

	// pods that read the revision, or may, sorted by name. At most 8.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Pods []string `json:"pods,omitempty"`

	// podCount is the number of pods that read the revision, or may.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	PodCount int32 `json:"podCount,omitempty"`
}

// Summary is the present state in a few words.
//
// +kubebuilder:validation:MinProperties=1
type Summary struct {
	// stage is the name of the stage that is under way or comes next; - without one.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=20
	Stage string `json:"stage,omitempty"`

	// progress is the number of finished units of the stage and of all its units, for example 3/6; - without a stage.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=20
	Progress string `json:"progress,omitempty"`

	// percent of the build that is done, estimated from the finished units of each stage. It never falls during a build. It is 100 only
	// once the present generation is published, and unset while nothing is done.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent,omitempty"`

	// estimatedCompletionTime is when the build will probably end, estimated from the time that its stages took so far. It is updated
	// whenever a unit is finished, and unset while no worker runs or too little is done for an estimate.
	//
	// +optional
	EstimatedCompletionTime *metav1.Time `json:"estimatedCompletionTime,omitempty"`

	// domains has the achieved share of each domain in the first split, for example math 40.0% qa 30.0% code 30.0%.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Domains string `json:"domains,omitempty"`
}

// StageState is the state of a stage.
//
// +kubebuilder:validation:Enum=Pending;Queued;Running;Retrying;Suspended;Succeeded;Failed
type StageState string

// The states of a stage.
const (
	// StagePending waits for an earlier stage.
	StagePending StageState = "Pending"
	// StageQueued has a Job that is suspended, by Kueue or by someone else.
	StageQueued StageState = "Queued"
	// StageRunning has a Job.
	StageRunning StageState = "Running"
	// StageRetrying has a Job after an attempt that failed.
	StageRetrying StageState = "Retrying"
	// StageSuspended does not run because spec.suspend is true.
	StageSuspended StageState = "Suspended"
	// StageSucceeded has all its results, of this generation or of an earlier one with the same inputs.
	StageSucceeded StageState = "Succeeded"
	// StageFailed will not be tried again.
	StageFailed StageState = "Failed"
)

// StageStatus is the state of one stage.
type StageStatus struct {
	// name of the stage: download, split, balance, mix or publish.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=20
	Name string `json:"name,omitempty"`

	// state of the stage.
	//
	// +required
	State StageState `json:"state,omitempty"`

	// done is the number of units (sources, data sets, mixed files) that are finished.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Done *int32 `json:"done,omitempty"`

	// total is the number of units of the stage; unset while it is not known.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Total *int32 `json:"total,omitempty"`

	// attempt is the number of the newest Job of the stage, from 1; unset if no Job was needed or it was deleted.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Attempt int32 `json:"attempt,omitempty"`

	// startTime is when the first Job of the stage was created or, if it waited in a queue, when it was last admitted; unset while it
	// waits, and if no Job was needed or it was deleted.
	//
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// completionTime is when the newest Job of the stage finished; unset if no Job was needed or it was deleted.
	//
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
}

// Published is a published revision, and where it is. A training pod mounts claimName with the subPath path.
type Published struct {
	// revision is the name of the revision, which follows from its content.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Revision string `json:"revision,omitempty"`

	// claimName is the claim that the revision is on.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClaimName string `json:"claimName,omitempty"`

	// path of the revision's folder below the claim's root.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	Path string `json:"path,omitempty"`

	// digest of the revision's manifest, SHA-256 in hex. The manifest has the digests of all other files.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=80
	Digest string `json:"digest,omitempty"`

	// bytes of all files of the revision.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Bytes *int64 `json:"bytes,omitempty"`

	// time at which the controller observed the publication.
	//
	// +required
	Time metav1.Time `json:"time,omitzero"`
}

// HistoryEntry is a revision that was published.
type HistoryEntry struct {
	// revision is the name of the revision.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Revision string `json:"revision,omitempty"`

	// generation of the mix that the revision was published for.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	Generation int64 `json:"generation,omitempty"`

	// digest of the revision's manifest, SHA-256 in hex.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=80
	Digest string `json:"digest,omitempty"`

	// bytes of all files of the revision. Unset if the operator that published it did not record the number.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Bytes *int64 `json:"bytes,omitempty"`

	// time at which the revision was published.
	//
	// +required
	Time metav1.Time `json:"time,omitzero"`
}

package v1alpha1

// Types of the conditions, after the rules of kstatus: a client that does not know the resource can see from them whether a mix is
// current, in progress or failed.
const (
	// ConditionReady is the summary. Positive polarity, always present. True: the revision of the present generation is published
	// and verified. False: it is not, and no work is going on, since the mix is stalled or suspended. Unknown: work is going on. An
	// earlier revision remains usable meanwhile and is in status.published.
	ConditionReady = "Ready"

	// ConditionReconciling means that the controller is working towards the present generation. Negative polarity,
	// present only while True, never together with ConditionStalled.
	ConditionReconciling = "Reconciling"

	// ConditionStalled means that a person has to act: the controller does not try again before the spec, or the cause that the
	// message names, has changed. Negative polarity, present only while True, and then ConditionReady is False.
	ConditionStalled = "Stalled"
)

// Reasons of ConditionReady and ConditionReconciling while nothing is wrong.
const (
	// ReasonPublished: the revision of the present generation is published and verified.
	ReasonPublished = "Published"
	// ReasonProgressing: a stage is under way, or about to start.
	ReasonProgressing = "Progressing"
	// ReasonProgressingWithRetry: as ReasonProgressing, after a failure; the message has the failure.
	ReasonProgressingWithRetry = "ProgressingWithRetry"
	// ReasonWaitingForVolume: the claim that the mix names does not exist yet.
	ReasonWaitingForVolume = "WaitingForVolume"
	// ReasonWaitingForPods: the pods of a stage cannot be created or started (quota, scheduling, image, a missing Secret);
	// the message has the cause.
	ReasonWaitingForPods = "WaitingForPods"
	// ReasonQueued: the Job of a stage waits until Kueue admits it, or is suspended by someone else. The message has Kueue's reason,
	// if the manager may read Workloads.
	ReasonQueued = "Queued"
	// ReasonSuspended: spec.suspend is true, and the present generation is not published yet.
	ReasonSuspended = "Suspended"
)

// Reasons of ConditionStalled that the controller finds itself.
const (
	// ReasonInvalidSpec: the spec passes the schema but is not valid, for example an expression that does not compile.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonNameConflict: an object with the name of one that the mix needs exists and belongs to another owner.
	ReasonNameConflict = "NameConflict"
	// ReasonPathConflict: another mix builds at the same path of the same claim, or one path is inside the other. The mix that was
	// there first keeps the path.
	ReasonPathConflict = "PathConflict"
	// ReasonVolumeUnusable: the claim is read-only, a block device, lost or being deleted.
	ReasonVolumeUnusable = "VolumeUnusable"
	// ReasonRetriesExhausted: a stage failed too often, each time with a transient failure.
	ReasonRetriesExhausted = "RetriesExhausted"
	// ReasonDeadlineExceeded: the Job of a stage ran for longer than spec.worker.activeDeadlineSeconds.
	ReasonDeadlineExceeded = "DeadlineExceeded"
	// ReasonOutOfMemory: a worker was killed for exceeding its memory limit, at every attempt; raise
	// spec.worker.resources.limits.memory.
	ReasonOutOfMemory = "OutOfMemory"
	// ReasonPlanMismatch: the workers' plan differs from the one that the operator computes from the counts. Operator and worker image
	// are of different versions.
	ReasonPlanMismatch = "PlanMismatch"
)

// Reasons of ConditionStalled that a worker reports; docs/exit-codes.md has them with their exit codes.
const (
	// ReasonInvalidTask: the worker does not understand its task. Operator and worker image are of different versions.
	ReasonInvalidTask = "InvalidTask"
	// ReasonAuthenticationFailed: no credential, or a wrong or insufficient one.
	ReasonAuthenticationFailed = "AuthenticationFailed"
	// ReasonSourceNotFound: a repository, an address or a claim's file is missing. A private repository looks the same to
	// whoever may not read it.
	ReasonSourceNotFound = "SourceNotFound"
	// ReasonSourceGated: a repository's owner grants access on request, and the account of the token has none.
	ReasonSourceGated = "SourceGated"
	// ReasonSourceDisabled: a Hub no longer serves a repository.
	ReasonSourceDisabled = "SourceDisabled"
	// ReasonRevisionNotFound: a repository has no such commit, branch or tag.
	ReasonRevisionNotFound = "RevisionNotFound"
	// ReasonFileNotFound: a repository or folder has no such file, or none that a pattern matches.
	ReasonFileNotFound = "FileNotFound"
	// ReasonUnitsDamaged: results of finished stages on the volume were damaged, again and again.
	ReasonUnitsDamaged = "UnitsDamaged"
	// ReasonSourceEmpty: a source has files without data.
	ReasonSourceEmpty = "SourceEmpty"
	// ReasonChecksumMismatch: bytes do not have the digest that was announced.
	ReasonChecksumMismatch = "ChecksumMismatch"
	// ReasonSourceDrifted: a source differs from its expect, or from what it held when it was downloaded.
	ReasonSourceDrifted = "SourceDrifted"
	// ReasonLicenseRefused: a data set has a license that the policy does not name.
	ReasonLicenseRefused = "LicenseRefused"
	// ReasonInfeasibleMix: the counts cannot meet the ratios and limits; the message names what could.
	ReasonInfeasibleMix = "InfeasibleMix"
	// ReasonLeakageDetected: a finished file would hold a row of another split. Nothing was published.
	ReasonLeakageDetected = "LeakageDetected"
	// ReasonInsufficientStorage: the volume is full.
	ReasonInsufficientStorage = "InsufficientStorage"
	// ReasonInvalidData: a file or a row cannot be read or mapped.
	ReasonInvalidData = "InvalidData"
	// ReasonVolumeInvalid: files on the volume are not those that a finished stage left there.
	ReasonVolumeInvalid = "VolumeInvalid"
	// ReasonVolumeUnsuitable: the volume's file system lacks a feature or a permission that a build needs.
	ReasonVolumeUnsuitable = "VolumeUnsuitable"
)

// Reasons of failures that are tried again; they are in the message of ReasonProgressingWithRetry and
// ReasonRetriesExhausted.
const (
	// ReasonFetchFailed: network trouble.
	ReasonFetchFailed = "FetchFailed"
	// ReasonRateLimited: a source asked to wait longer than a worker may.
	ReasonRateLimited = "RateLimited"
	// ReasonVolumeIOError: the volume's storage failed.
	ReasonVolumeIOError = "VolumeIOError"
	// ReasonWorkerFailed: anything unforeseen.
	ReasonWorkerFailed = "WorkerFailed"
	// ReasonDisrupted: a pod was evicted, preempted or lost with its node. That does not count as an attempt.
	ReasonDisrupted = "Disrupted"
	// ReasonResultLost: a stage finished, but the pod or its message is gone; the next attempt reads the result back from
	// the volume.
	ReasonResultLost = "ResultLost"
)

// Reasons of the Events, recorded on transitions only. Normal.
const (
	// EventStageStarted: the Job of a stage was created or, if it waited in a queue, admitted.
	EventStageStarted = "StageStarted"
	// EventStageSucceeded: the results of all units of a stage are recorded.
	EventStageSucceeded = "StageSucceeded"
	// EventRevisionPublished: a revision was published and verified.
	EventRevisionPublished = "RevisionPublished"
	// EventSuspended: spec.suspend became true.
	EventSuspended = "Suspended"
	// EventResumed: spec.suspend became false.
	EventResumed = "Resumed"
)

// Reasons of the Events, recorded on transitions only. Warning; a mix that stalls records the reason of its condition.
const (
	// EventStageRetried: an attempt at a stage failed and another one was started.
	EventStageRetried = "StageRetried"
)

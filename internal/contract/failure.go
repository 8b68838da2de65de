package contract

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Reason names why a stage failed. It is the reason of the condition that the user sees, chosen by the deepest layer
// that knows, and it decides the exit code and so whether the Job tries again.
type Reason string

// The reasons of failure. Permanent ones need a person; transient ones are tried again.
const (
	InvalidTask          Reason = "InvalidTask"          // the worker cannot read or understand its task
	AuthenticationFailed Reason = "AuthenticationFailed" // no, or a bad, or an insufficient credential
	SourceNotFound       Reason = "SourceNotFound"       // a repository, an address or a claim's file is missing, or not for us to see
	SourceGated          Reason = "SourceGated"          // its owner grants access on request, and has not yet
	SourceDisabled       Reason = "SourceDisabled"       // its Hub no longer serves it
	RevisionNotFound     Reason = "RevisionNotFound"     // the repository has no such commit, branch or tag
	FileNotFound         Reason = "FileNotFound"         // the repository or folder has no such file
	SourceEmpty          Reason = "SourceEmpty"          // there are files, and no data in them
	ChecksumMismatch     Reason = "ChecksumMismatch"     // bytes are not those that were promised
	InvalidData          Reason = "InvalidData"          // a file or a row that cannot be read as what it should be
	InfeasibleMix        Reason = "InfeasibleMix"        // the counts cannot meet the ratios and limits
	LeakageDetected      Reason = "LeakageDetected"      // a finished file would hold a row of another split
	InsufficientStorage  Reason = "InsufficientStorage"  // the volume is full
	VolumeInvalid        Reason = "VolumeInvalid"        // what lies on the volume is not what a finished stage left there
	VolumeUnsuitable     Reason = "VolumeUnsuitable"     // the volume's file system cannot do, or does not let a worker do, what a build needs
	VolumeIOError        Reason = "VolumeIOError"        // the volume's storage failed; transient
	UnitsDamaged         Reason = "UnitsDamaged"         // finished units were not what their stages left there, and were removed
	SourceDrifted        Reason = "SourceDrifted"        // a source holds something else than is expected of it, or than it held
	LicenseRefused       Reason = "LicenseRefused"       // a data set has a license that the policy of the mix does not name
	FetchFailed          Reason = "FetchFailed"          // network trouble; transient
	RateLimited          Reason = "RateLimited"          // the source asked to wait longer than a worker may; transient
	WorkerFailed         Reason = "WorkerFailed"         // anything unforeseen; transient, so that backoff applies
)

// exitCodes are the documented exit codes of the worker; docs/exit-codes.md is checked against this table.
var exitCodes = map[Reason]int{
	WorkerFailed:         1,
	AuthenticationFailed: 10,
	SourceNotFound:       11,
	ChecksumMismatch:     12,
	InfeasibleMix:        13,
	LeakageDetected:      14,
	InsufficientStorage:  15,
	InvalidData:          16,
	VolumeInvalid:        17,
	InvalidTask:          18, // not 2: that is how a Go program ends that panics, and a panic may pass
	SourceDrifted:        19,
	FetchFailed:          20,
	RateLimited:          21,
	VolumeIOError:        22,
	SourceGated:          30,
	SourceDisabled:       31,
	RevisionNotFound:     32,
	FileNotFound:         33,
	SourceEmpty:          34,
	UnitsDamaged:         36,
	VolumeUnsuitable:     35,
	LicenseRefused:       37,
}

// ExitCode returns the worker's exit code for a reason; unknown reasons count as WorkerFailed.
func (r Reason) ExitCode() int {
	if code, ok := exitCodes[r]; ok {
		return code
	}
	return exitCodes[WorkerFailed]
}

// Permanent reports whether trying again cannot help.
func (r Reason) Permanent() bool {
	code := r.ExitCode()
	return code >= 10 && code < 20 || code >= 30 && code < 40
}

// Reasons lists every reason with its exit code, for documentation and for a Job's failure policy.
func Reasons() map[Reason]int {
	return maps.Clone(exitCodes)
}

// Failure is an error with its reason. Message is one or two whole sentences: what, where, why, what to do.
type Failure struct {
	Reason  Reason
	Message string
	Err     error
}

// Failf makes a Failure whose message is formatted; a %w verb keeps the cause. A cause may be a fragment or whole sentences: what
// the format says behind it follows as one or the other.
func Failf(reason Reason, format string, args ...any) error {
	marked := slices.Clone(args)
	for i, arg := range marked {
		if err, ok := arg.(error); ok && err != nil {
			marked[i] = embedded{err}
		}
	}
	err := fmt.Errorf(format, marked...)
	cause := errors.Unwrap(err)
	if marked, ok := errors.AsType[embedded](cause); ok {
		cause = marked.error
	}
	return &Failure{Reason: reason, Message: joinEmbedded(err.Error()), Err: cause}
}

func (f *Failure) Error() string { return f.Message }

func (f *Failure) Unwrap() error { return f.Err }

// Within puts a place ("data set squad2") before a failure's message and keeps its reason.
func Within(place string, err error) error {
	if err == nil {
		return nil
	}
	return &Failure{Reason: ReasonOf(err), Message: place + ": " + err.Error(), Err: err}
}

// ReasonOf finds the reason of an error, WorkerFailed when no layer gave one.
func ReasonOf(err error) Reason {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Reason
	}
	return WorkerFailed
}

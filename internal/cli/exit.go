package cli

import (
	"errors"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Exit codes that only the command line has; docs/exit-codes.md has them next to those of the reasons.
const (
	// Differs: diff found a difference.
	Differs = 1
	// DiffFailed: diff could not compare.
	DiffFailed = 2
	// StalledCode: the mix is stalled for a reason that no worker reports, such as PathConflict.
	StalledCode = 40
	// TimedOut: a wait took longer than its timeout.
	TimedOut = 41
	// NoSuchMix: the namespace has no DatasetMix or PersistentVolumeClaim of the name.
	NoSuchMix = 42
	// NotPermitted: the user may not read the mix itself.
	NotPermitted = 43
	// AtRest: the mix is suspended, so it does not become ready.
	AtRest = 44
	// AlreadyThere: the file to be written exists, and may not be replaced.
	AlreadyThere = 45
	// Interrupted: a signal ended the command.
	Interrupted = 130
)

// Exit is an error with an exit code. One without Err ends the command in silence.
type Exit struct {
	Code int
	Err  error
}

func (e *Exit) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *Exit) Unwrap() error { return e.Err }

// CodeOf returns the exit code of an error: its own, or that of its reason.
func CodeOf(err error) int {
	if err == nil {
		return 0
	}
	if exit := (*Exit)(nil); errors.As(err, &exit) {
		return exit.Code
	}
	return contract.ReasonOf(err).ExitCode()
}

// CodeOfStall returns the exit code for the reason of the condition Stalled: the worker's own, or StalledCode.
func CodeOfStall(reason string) int {
	if code, ok := contract.Reasons()[contract.Reason(reason)]; ok && code > 1 {
		return code
	}
	return StalledCode
}

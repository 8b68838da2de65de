package contract

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// trouble is a kind of errors of a file system.
type trouble struct {
	reason Reason
	errs   []error
	// says is the message: what is wrong, and what to do; %w is the error.
	says string
}

// troubles are the kinds of errors of a volume. An error that may pass is tried again; what the file system cannot do, or does not let a worker
// do, needs a person. VolumeInvalid is only for what is wrong on the volume itself.
var troubles = []trouble{
	{InsufficientStorage, []error{syscall.ENOSPC, syscall.EDQUOT},
		"the volume is full: %w; give the claim more storage, or remove unused revisions"},
	{VolumeUnsuitable, []error{syscall.EROFS},
		"the volume is mounted read-only: %w; mount it for writing, and where it became so by itself, look at its storage"},
	{VolumeUnsuitable, []error{errors.ErrUnsupported},
		"the volume cannot do what a build needs: %w; " + SuitableVolumes},
	{VolumeUnsuitable, []error{fs.ErrPermission},
		"the volume does not let this process do that: %w; give its pod the volume's group (fsGroup), or the folder to its user"},
	{VolumeInvalid, []error{syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP},
		"something else is on the volume in the place of a folder or a file of a build: %w; move it away, and build again"},
	{VolumeIOError, []error{syscall.EIO, syscall.ESTALE, syscall.ETIMEDOUT, syscall.ENOTCONN, syscall.ECONNRESET, syscall.ECONNABORTED,
		syscall.ECONNREFUSED, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.ENODEV, syscall.ENXIO},
		"the volume's storage failed: %w; that may pass: run it again, as a Job does by itself, and if it stays, look at the storage"},
}

// SuitableVolumes says what to do about a volume that cannot do what a build needs.
const SuitableVolumes = "use a volume with a POSIX file system, such as block storage, NFS or CephFS (docs/volumes.md has the classes that work)"

// VolumeFailure returns an error of a volume with its reason. An error that has a reason keeps it.
func VolumeFailure(err error) error {
	if err == nil {
		return nil // the common case, once for each row
	}
	if _, known := errors.AsType[*Failure](err); known {
		return err
	}
	if of, ok := errors.AsType[*os.LinkError](err); ok && of.Op == "symlinkat" && errors.Is(err, syscall.EPERM) { // no right to write is EACCES
		return Failf(VolumeUnsuitable, "the volume has no symbolic links: %w; %s", err, SuitableVolumes)
	}
	if t := troubleOf(err); t != nil {
		return Failf(t.reason, t.says, err)
	}
	return Failf(WorkerFailed, "the volume: %w", err)
}

// VolumeMismatch returns the failure of what lies on a volume and is not what it should be, or is missing. Trouble of the volume on the way
// to it says nothing about it: it keeps its own reason.
func VolumeMismatch(err error) error {
	if troubleOf(err) == nil {
		return Failf(VolumeInvalid, "%w", err)
	}
	if reason := ReasonOf(err); reason != WorkerFailed {
		return &Failure{Reason: reason, Message: err.Error(), Err: err}
	}
	return VolumeFailure(err)
}

func troubleOf(err error) *trouble {
	i := slices.IndexFunc(troubles, func(t trouble) bool {
		return slices.ContainsFunc(t.errs, func(of error) bool { return errors.Is(err, of) })
	})
	if i < 0 {
		return nil
	}
	return &troubles[i]
}

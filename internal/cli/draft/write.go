package draft

import (
	"errors"
	"io/fs"
	"os"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// MayWrite returns an error if the file exists and may not be overwritten. It is called before the inputs are read.
func MayWrite(file string, force bool) error {
	if file == "-" || force {
		return nil
	}
	if _, err := os.Lstat(file); err == nil {
		return exists(file)
	}
	return nil
}

func exists(file string) error {
	return contract.Failf(contract.InvalidTask, "%s exists; name another file with --filename, or overwrite it with --force", file)
}

// Write writes a manifest. It overwrites a file only with force.
func Write(file, text string, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	out, err := os.OpenFile(file, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return exists(file)
	} else if err != nil {
		return contract.Failf(contract.WorkerFailed, "the manifest cannot be written: %w", err)
	}
	_, err = out.WriteString(text)
	return errors.Join(err, out.Close())
}

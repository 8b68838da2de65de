package transport

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// Secret is the place of a library's credentials.
type Secret struct {
	// Folder holds a file for each key of a Secret; empty is the process's environment, with a variable for each.
	Folder string
	// Of is the source, in messages.
	Of string
}

// Required reads a key that must be there.
func (s Secret) Required(key string) (string, error) {
	value, err := s.Optional(key)
	if err == nil && value == "" {
		return "", contract.Failf(contract.AuthenticationFailed, "The credentials for %s have no %s, or an empty one: a Secret has it as a key, else it is a variable.", s.Of, key)
	}
	return value, err
}

// Optional reads a key that may be missing.
func (s Secret) Optional(key string) (string, error) {
	if s.Folder == "" {
		return os.Getenv(key), nil
	}
	value, err := os.ReadFile(filepath.Join(s.Folder, key))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", contract.Failf(contract.AuthenticationFailed, "The key %s of the Secret for %s cannot be read: %w.", key, s.Of, err)
	}
	return strings.TrimSpace(string(value)), nil // files that hold secrets end in a newline
}

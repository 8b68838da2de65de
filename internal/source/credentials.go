package source

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// credentials are what a client of a store may ask with, and the HTTP client that it must ask through.
type credentials struct {
	client *http.Client
	folder string // with the Secret's files; empty is the process's environment
	token  string // a file that says which workload asks; empty is none
	of     string // names the source in messages
}

// required reads a key of the Secret.
func (c credentials) required(key string) (string, error) {
	value, err := c.optional(key)
	if err == nil && value == "" {
		return "", contract.Failf(contract.AuthenticationFailed, "The credentials for %s have no %s, or an empty one: a Secret has it as a key, else it is a variable.", c.of, key)
	}
	return value, err
}

// optional reads a key of the Secret that may be missing.
func (c credentials) optional(key string) (string, error) {
	if c.folder == "" {
		return os.Getenv(key), nil
	}
	value, err := os.ReadFile(filepath.Join(c.folder, key))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", contract.Failf(contract.AuthenticationFailed, "The key %s of the Secret for %s cannot be read: %w.", key, c.of, err)
	}
	return strings.TrimSpace(string(value)), nil // files that hold secrets end in a newline
}

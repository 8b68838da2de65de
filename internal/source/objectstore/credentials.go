package objectstore

import (
	"net/http"

	"github.com/datasetmix/datasetmix/internal/source/transport"
)

// credentials are what a store's library asks with, and the HTTP client that it must ask through.
type credentials struct {
	transport.Secret
	client *http.Client
	token  string // a file that proves which workload asks; empty is none
}

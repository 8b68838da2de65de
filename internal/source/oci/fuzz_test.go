package oci

import (
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// FuzzManifest: no manifest of a registry names a file that is not inside a folder, or a digest that is none.
//
//fuzz:brief encoding/json reads the manifest, and little is left to go wrong
func FuzzManifest(f *testing.F) {
	f.Add(`{"schemaVersion":2,"layers":[{"digest":"sha256:00","size":3,"annotations":{"org.opencontainers.image.title":"a/b"}}]}`)
	f.Add(`{"layers":[{"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","size":-3,"annotations":{"org.opencontainers.image.title":"../b"}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		manifest, err := v1.ParseManifest(strings.NewReader(text))
		if err != nil {
			return
		}
		files, err := (&artifact{}).files(manifest)
		for title, of := range files {
			if err == nil && (!filepath.IsLocal(title) || !contract.IsSHA256(of.SHA256)) {
				t.Errorf("%q: %+v", title, of)
			}
		}
	})
}

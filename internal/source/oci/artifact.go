// Package oci reads files of artifacts in OCI registries. No other package imports the library of registries.
package oci

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	registry "github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/glob"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/choose"
	"github.com/datasetmix/datasetmix/internal/source/transport"
)

// artifact is files in an OCI registry, as ORAS and others push them: each is a layer, and its name the layer's title. The
// manifest's digest pins the names and, with them, the digest of every file.
//
// A layer without a title is no file, whether of an image or of anything else. A packed folder is refused: its files have no digests,
// and could be reached only by reading all that comes before them.
type artifact struct {
	spec      recipe.OCI
	reference name.Reference
	client    *transport.Client
	secret    string // the folder of the Secret; empty if there is none

	mu     sync.Mutex
	asking *transport.Client // with credentials for the registry; nil before connect
}

// Annotations of a layer.
const (
	titleOfLayer  = "org.opencontainers.image.title"
	unpackOfLayer = "io.deis.oras.content.unpack"
	licenseOf     = "org.opencontainers.image.licenses"
)

// schemeHTTP is recipe.OCI.Scheme of a registry without TLS.
const schemeHTTP = "HTTP"

// Options are the credentials of a registry.
type Options struct {
	// Secret is a folder with the files of the data set's Secret, named like its keys; empty where there is none, and then what
	// `docker login` left on this machine is read.
	Secret string
}

// New returns the source that a specification describes.
func New(spec recipe.OCI, o Options, c *transport.Client) (source.Source, error) {
	options := []name.Option{name.StrictValidation}
	if spec.Scheme == schemeHTTP {
		options = append(options, name.Insecure)
	}
	reference, err := name.ParseReference(spec.Reference, options...)
	if err != nil || !strings.HasPrefix(spec.Reference, reference.Context().RegistryStr()+"/") {
		return nil, contract.Failf(contract.InvalidTask,
			"The reference %q is not registry/repository:tag or registry/repository@sha256:digest.", contract.Clean(spec.Reference, 200))
	}
	if err := glob.Check(spec.Files); err != nil {
		return nil, err
	}
	return &artifact{spec: spec, reference: reference, client: c, secret: o.Secret}, nil
}

// where names the artifact in messages.
func (a *artifact) where() string { return "artifact " + a.spec.Reference }

// Resolve reads the manifest, and lists its layers that have a title and match.
func (a *artifact) Resolve(ctx context.Context) (source.Listing, error) {
	manifest, digest, err := a.manifest(ctx, a.reference.Identifier(), false)
	if err != nil {
		return source.Listing{}, err
	}
	files, err := a.files(manifest)
	if err != nil {
		return source.Listing{}, err
	}
	chosen, err := choose.Files(ctx, a.spec.Files, slices.Collect(maps.Keys(files)), a.where()) // which sorts them
	if err != nil {
		return source.Listing{}, err
	}
	if len(chosen) == 0 {
		return source.Listing{}, contract.Failf(contract.SourceEmpty, "%s has no layers with a title to read. Check reference and files.", source.Capital(a.where()))
	}
	l := source.Listing{Revision: digest, License: source.License(manifest.Annotations[licenseOf])}
	for _, title := range chosen {
		f := files[title]
		if f.folder {
			return source.Listing{}, contract.Failf(contract.InvalidData,
				"%s of %s is a folder, packed into one file that cannot be read in parts. Push its files one by one, "+
					"or leave it out with files.", title, a.where())
		}
		l.Files = append(l.Files, f.File)
	}
	return l, nil
}

type layer struct {
	source.File
	folder bool
}

// files returns the layers that have a title, by title.
func (a *artifact) files(manifest *v1.Manifest) (map[string]layer, error) {
	files := map[string]layer{}
	for _, l := range manifest.Layers {
		title := l.Annotations[titleOfLayer]
		if title == "" {
			continue
		}
		if !filepath.IsLocal(title) || path.Clean(title) != title || contract.Clean(title, 1024) != title {
			return nil, contract.Failf(contract.InvalidData, "A layer of %s has the title %q, which is not the name of a file.", a.where(), contract.Clean(title, 100))
		}
		if _, twice := files[title]; twice {
			return nil, contract.Failf(contract.InvalidData, "Two layers of %s have the title %s.", a.where(), title)
		}
		if l.Digest.Algorithm != "sha256" || !contract.IsSHA256(l.Digest.Hex) {
			return nil, contract.Failf(contract.InvalidData, "%s of %s has the digest %s, and only SHA-256 is known here.", title, a.where(), contract.Clean(l.Digest.String(), 200))
		}
		files[title] = layer{source.File{Path: title, Size: l.Size, SHA256: l.Digest.Hex}, l.Annotations[unpackOfLayer] == "true"}
	}
	if len(files) == 0 {
		return nil, contract.Failf(contract.InvalidData,
			"%s has no layer with a title (%s), so no files: it is an image, or was not pushed file by file as `oras push` does.",
			source.Capital(a.where()), titleOfLayer)
	}
	return files, nil
}

// maxManifest is the most bytes of a manifest; registries refuse larger ones.
const maxManifest = 4 << 20

// manifest reads a manifest by tag or digest, and returns it with its digest. An index is followed to the one manifest in it;
// nested means that one was followed.
func (a *artifact) manifest(ctx context.Context, identifier string, nested bool) (*v1.Manifest, string, error) {
	body, media, err := a.document(ctx, identifier)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(body)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	if strings.HasPrefix(identifier, "sha256:") && identifier != digest {
		return nil, "", contract.Failf(contract.ChecksumMismatch,
			"The manifest of %s has the digest %s, and %s is pinned. Check any mirror or proxy on the way.", a.where(), digest, identifier)
	}
	var kind struct {
		MediaType types.MediaType `json:"mediaType"`
		Manifests []v1.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		return nil, "", a.strange()
	}
	if kind.MediaType == "" {
		kind.MediaType = types.MediaType(media)
	}
	if kind.MediaType.IsIndex() || len(kind.Manifests) > 0 {
		if len(kind.Manifests) != 1 || strings.HasPrefix(identifier, "sha256:") && kind.Manifests[0].Digest.String() == identifier {
			return nil, "", contract.Failf(contract.InvalidData,
				"%s is a list of %s. Name the one to read by its digest.", source.Capital(a.where()), source.Plural(len(kind.Manifests), "manifest"))
		}
		if nested {
			return nil, "", contract.Failf(contract.InvalidData, "%s is a list of a list of manifests. Name the manifest to read by its digest.", source.Capital(a.where()))
		}
		manifest, _, err := a.manifest(ctx, kind.Manifests[0].Digest.String(), true)
		return manifest, digest, err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(body))
	if err != nil || manifest.SchemaVersion != 2 {
		return nil, "", a.strange()
	}
	return manifest, digest, nil
}

// strange returns the failure of an answer that is no manifest, for example a login page that may be gone a moment later.
func (a *artifact) strange() error {
	return contract.Failf(contract.FetchFailed, "%s did not answer with a manifest for %s. Check the registry, and any proxy on the way.",
		a.reference.Context().RegistryStr(), a.where())
}

// document reads a manifest's bytes and what type the registry says they are.
func (a *artifact) document(ctx context.Context, identifier string) (body []byte, media string, err error) {
	accept := []string{string(types.OCIManifestSchema1), string(types.DockerManifestSchema2), string(types.OCIImageIndex), string(types.DockerManifestList)}
	err = a.client.Retry.Do(ctx, func() error {
		c, err := a.connect(ctx)
		if err != nil {
			return err
		}
		found, err := c.Do(ctx, a.request("manifests", identifier, http.Header{"Accept": accept}))
		if err != nil {
			return err
		}
		defer transport.Drain(found.Body)
		if err := c.Refusal(found, a.where()); err != nil {
			return err
		}
		media = found.Header.Get("Content-Type")
		body, err = io.ReadAll(io.LimitReader(found.Body, maxManifest+1))
		if len(body) > maxManifest {
			return contract.Failf(contract.InvalidData, "The manifest of %s has more than %d bytes.", a.where(), maxManifest)
		}
		return err
	})
	return body, media, err
}

// Open reads a layer from an offset to its end.
func (a *artifact) Open(ctx context.Context, f source.File, offset int64) (io.ReadCloser, error) {
	return a.OpenRange(ctx, f, offset, f.Size-offset)
}

// OpenRange reads a part of a layer. Not every registry knows a range without an end.
func (a *artifact) OpenRange(ctx context.Context, f source.File, offset, length int64) (io.ReadCloser, error) {
	header := http.Header{}
	if length < f.Size {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	}
	c, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	return c.Read(ctx, a.request("blobs", "sha256:"+f.SHA256, header), f, offset, func(found *transport.Answer) error {
		return c.Refusal(found, f.Path+" of "+a.where())
	})
}

// request returns the request for a manifest or a blob.
func (a *artifact) request(kind, identifier string, header http.Header) transport.Request {
	repository := a.reference.Context()
	u := &url.URL{Scheme: a.scheme(), Host: repository.RegistryStr(), Path: path.Join("/v2", repository.RepositoryStr(), kind, identifier)}
	return transport.Request{Method: http.MethodGet, URL: u, Header: header}
}

func (a *artifact) scheme() string {
	if a.spec.Scheme == schemeHTTP {
		return "http"
	}
	return "https"
}

// connect asks the registry, once, which credentials it requires: none, a password, or a token that a password gets.
func (a *artifact) connect(ctx context.Context) (*transport.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asking != nil {
		return a.asking, nil
	}
	holder, err := a.login(ctx)
	if err != nil {
		return nil, err
	}
	x := &transport.Exchange{}
	carrier := a.client.With(&stated{inner: a.client.Transport(), scheme: a.scheme(), host: a.reference.Context().RegistryStr()}).Observed()
	asking, err := registry.NewWithContext(x.During(ctx), a.reference.Context().Registry, holder, carrier,
		[]string{a.reference.Scope(registry.PullScope)})
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, contract.Failf(contract.FetchFailed, "%s cannot be read: %w.", source.Capital(a.where()), cause)
		}
		if failure := a.client.Failure(x, source.Capital(a.where()), "", err); failure != nil {
			return nil, failure
		}
		return nil, contract.Failf(contract.FetchFailed, "%s does not answer as a registry does. Check the reference, and any proxy on the way.",
			a.reference.Context().RegistryStr())
	}
	a.asking = a.client.With(asking)
	return a.asking, nil
}

// stated keeps requests to a registry to the scheme that the manifest states: the library would try a registry of a private
// address without TLS, too.
type stated struct {
	inner        http.RoundTripper
	scheme, host string
}

func (s *stated) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == s.host && r.URL.Scheme != s.scheme {
		return nil, contract.Failf(contract.FetchFailed, "%s does not answer over %s, which is how it is to be asked. Where it has no TLS, set scheme to HTTP.", s.host, s.scheme)
	}
	return s.inner.RoundTrip(r)
}

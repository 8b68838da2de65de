package objectstore

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
)

// keyGoogle is the key of a Secret for Google Cloud Storage: the file that its own tools know as
// GOOGLE_APPLICATION_CREDENTIALS.
const keyGoogle = "credentials.json"

const readOnlyScope = "https://www.googleapis.com/auth/devstorage.read_only"

// openGS opens a bucket of Google Cloud Storage. An object is pinned by its generation.
func openGS(spec recipe.ObjectStore, name string, c credentials) (provider, error) {
	c.client.Transport = &asStored{c.client.Transport}
	client, err := gsClient(spec, c)
	if err != nil {
		return provider{}, err
	}
	options := []option.ClientOption{storage.WithJSONReads(), option.WithHTTPClient(&client.Client)}
	if spec.Endpoint != "" {
		options = append(options, option.WithEndpoint(strings.TrimRight(spec.Endpoint, "/")+"/storage/v1/"))
	}
	service, err := storage.NewClient(context.Background(), options...)
	if err != nil {
		return provider{}, contract.Failf(contract.InvalidTask, "%s cannot be opened: the client of the store refuses its settings.", spec.URL)
	}
	service.SetRetry(storage.WithPolicy(storage.RetryNever))
	opened, err := gcsblob.OpenBucket(context.Background(), nil, name, &gcsblob.Options{Client: service})
	if err != nil {
		return provider{}, contract.Failf(contract.InvalidTask, "%s cannot be opened: %w.", spec.URL, err)
	}
	return provider{Bucket: opened, describe: describeGS, hold: holdGS, code: codeGS}, nil
}

// gsClient asks with the Secret's credentials, with those that the environment names, or with none.
func gsClient(spec recipe.ObjectStore, c credentials) (*gcp.HTTPClient, error) {
	if spec.Access == "" || spec.Access == recipe.AccessAnonymous {
		return gcp.NewAnonymousHTTPClient(c.client.Transport), nil
	}
	// The client that fetches tokens is taken from the context.
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, c.client)
	var found *google.Credentials
	var err error
	if spec.Access == recipe.AccessSecret && c.Folder != "" {
		key, missing := c.Required(keyGoogle)
		if missing != nil {
			return nil, missing
		}
		found, err = google.CredentialsFromJSONWithType(ctx, []byte(key), google.ServiceAccount, readOnlyScope)
	} else {
		found, err = google.FindDefaultCredentials(ctx, readOnlyScope)
	}
	if err != nil { // whose text may hold a part of the key
		return nil, contract.Failf(contract.AuthenticationFailed,
			"There are no credentials for %s that can be read. A Secret has them in %s, as the key of a service account; else GOOGLE_APPLICATION_CREDENTIALS names a file.",
			spec.URL, keyGoogle)
	}
	return gcp.NewHTTPClient(c.client.Transport, found.TokenSource)
}

func describeGS(o *blob.ListObject, f *source.File) error {
	var object storage.ObjectAttrs
	if o.As(&object) && object.Generation != 0 {
		f.Path, f.Revision = object.Name, strconv.FormatInt(object.Generation, 10)
		switch {
		case len(object.MD5) > 0:
			f.Checksum = source.Checksum(source.MD5, object.MD5)
		case object.CRC32C != 0: // of an object that was composed of others
			sum := object.CRC32C
			f.Checksum = source.Checksum(source.CRC32C, []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
		}
	}
	return pinnedBy(f, f.Revision)
}

func holdGS(f source.File, as func(any) bool) {
	var handle **storage.ObjectHandle
	generation, err := strconv.ParseInt(f.Revision, 10, 64)
	if err == nil && as(&handle) {
		*handle = (*handle).Generation(generation)
	}
}

func codeGS(err error) string {
	var known *googleapi.Error
	if !errors.As(err, &known) || len(known.Errors) == 0 {
		return ""
	}
	if reason := known.Errors[0].Reason; reason != "" {
		return reason
	}
	return http.StatusText(known.Code)
}

// asStored asks for the bytes of an object as they are stored: to those who take no gzip the store unpacks an object that was
// stored as packed, and its size and checksums are then those of something else. The library's own option for this does not
// work with this one of its two protocols.
type asStored struct{ inner http.RoundTripper }

func (t *asStored) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("alt") == "media" {
		r = r.Clone(r.Context())
		r.Header.Set("Accept-Encoding", "gzip")
	}
	return t.inner.RoundTrip(r)
}

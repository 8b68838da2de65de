// Package objectstore reads objects of S3 and what speaks like it, Google Cloud Storage, and Azure Blob Storage. No other package imports
// their libraries.
package objectstore

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"gocloud.dev/blob"
	"golang.org/x/oauth2"
	"golang.org/x/sync/errgroup"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/glob"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/choose"
	"github.com/datasetmix/datasetmix/internal/source/transport"
)

// bucket is the objects below a folder of an object store: S3 and what speaks like it, Google Cloud Storage, Azure Blob
// Storage. The libraries list, sign and ask; the transport of this project judges the answers, and
// its policy limits the retries.
type bucket struct {
	spec   recipe.ObjectStore
	name   string // of the bucket or container
	folder string // a key, or what keys begin with before a slash; empty is the whole bucket
	client *transport.Client
	provider
}

// provider is what differs from store to store.
type provider struct {
	*blob.Bucket
	// describe completes a listed object: its key as the store has it, what pins it and what its bytes are checked against. exact is nil where the
	// listing says it all.
	describe func(o *blob.ListObject, f *source.File) error
	exact    func(ctx context.Context, f *source.File) error
	// hold restricts a read to the very object that was listed.
	hold func(f source.File, as func(any) bool)
	// code returns the service's own word for an error.
	code func(err error) string
	// unasked are the characters of keys that the library writes in another way, asking for another object.
	unasked string
	// hint completes the message of a refusal; it may be nil.
	hint func(a *transport.Answer) string
}

var bucketURL = regexp.MustCompile(`^(s3|gs|azblob)://([A-Za-z0-9$][A-Za-z0-9._-]*)(?:/(.*))?$`)

// Options are the credentials of an object store.
type Options struct {
	// Secret is a folder with the files of the data set's Secret, named like its keys; empty where there is none, and then the
	// standard variables and files of the service's own tools are read.
	Secret string
	// Identity is the path of a workload identity token; empty where there is none, and then the standard variables of the
	// service's own tools are read.
	Identity string
}

// New returns the source that a specification describes.
func New(spec recipe.ObjectStore, o Options, c *transport.Client) (source.Source, error) {
	m := bucketURL.FindStringSubmatch(spec.URL)
	if m == nil || strings.ContainsAny(m[3], "?#") {
		return nil, contract.Failf(contract.InvalidTask,
			"The url of an objectStore source must be s3://bucket/folder, gs://bucket/folder or azblob://container/folder, without a query.")
	}
	if err := glob.Check(spec.Files); err != nil {
		return nil, err
	}
	if err := checkEndpoint(spec, m[1], c.Hosts); err != nil {
		return nil, err
	}
	b := &bucket{spec: spec, name: m[2], folder: strings.Trim(m[3], "/"), client: c}
	open := map[string]func(recipe.ObjectStore, string, credentials) (provider, error){
		"s3": openS3, "gs": openGS, "azblob": openAzure,
	}[m[1]]
	var err error
	b.provider, err = open(spec, b.name, credentials{client: c.Library(), Secret: transport.Secret{Folder: o.Secret, Of: spec.URL}, token: o.Identity})
	return b, err
}

// checkEndpoint refuses an endpoint that is not the URL of a host, or that credentials may not be sent to.
func checkEndpoint(spec recipe.ObjectStore, scheme string, hosts transport.Hosts) error {
	if spec.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(spec.Endpoint)
	if err != nil || !transport.OnTheWeb(u) || u.RawQuery != "" || u.User != nil {
		return contract.Failf(contract.InvalidTask, "The endpoint of %s is not an http or https URL of a host.", spec.URL)
	}
	if known := spec.Access == "" || spec.Access == recipe.AccessAnonymous; u.Scheme != "https" && !known && scheme != "s3" {
		return contract.Failf(contract.InvalidTask,
			"The endpoint of %s is not https, and credentials are sent over nothing else: anyone on the way could read them.", spec.URL)
	}
	if spec.Access == recipe.AccessSecret { // a signature in the address is seen in no header
		return hosts.Check(u)
	}
	return nil
}

// where names the place in messages.
func (b *bucket) where() string { return b.spec.URL }

// Resolve lists the object that the URL names, else the objects below it that match a pattern; without patterns all whose
// name and folders begin with neither a dot nor an underscore, which is how Spark and Hadoop name what is no data.
func (b *bucket) Resolve(ctx context.Context) (source.Listing, error) {
	objects, err := b.list(ctx)
	if err != nil {
		return source.Listing{}, err
	}
	chosen, err := b.choose(ctx, objects)
	if err != nil {
		return source.Listing{}, err
	}
	l := source.Listing{Files: make([]source.File, len(chosen))}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i, key := range chosen {
		l.Files[i] = objects[key]
		if b.exact != nil {
			group.Go(func() error { return b.lookUp(inner, &l.Files[i]) })
		}
	}
	if err := group.Wait(); err != nil {
		return source.Listing{}, err
	}
	return l, nil
}

// lookups is how many objects are looked up at once.
const lookups = 16

func (b *bucket) lookUp(ctx context.Context, f *source.File) error {
	return b.client.Retry.Do(ctx, func() error {
		x := &transport.Exchange{}
		if err := b.exact(x.During(ctx), f); err != nil {
			return b.failure(ctx, x, b.at(f.Path), err)
		}
		return nil
	})
}

// at names an object in messages.
func (b *bucket) at(key string) string {
	scheme, _, _ := strings.Cut(b.spec.URL, ":")
	return scheme + "://" + b.name + "/" + key
}

// page is how many objects are requested at once, the most that every store returns.
const page = 1000

// maxObjectPages is how many pages of a listing are asked for: some stores have few objects on one, and pages without any.
const maxObjectPages = 100_000

// list finds the objects at and below the folder, by key.
func (b *bucket) list(ctx context.Context) (map[string]source.File, error) {
	objects, options := map[string]source.File{}, &blob.ListOptions{Prefix: b.prefix()}
	asked := map[string]bool{}
	for token := blob.FirstPageToken; len(token) > 0; {
		asked[string(token)] = true
		var listed []*blob.ListObject
		var next []byte
		err := b.client.Retry.Do(ctx, func() (err error) {
			x := &transport.Exchange{}
			if listed, next, err = b.ListPage(x.During(ctx), token, page, options); err != nil {
				return b.failure(ctx, x, b.where(), err)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, o := range listed {
			f := source.File{Path: o.Key, Size: o.Size}
			if err := b.describe(o, &f); err != nil {
				return nil, err
			}
			if b.holds(f.Path) {
				objects[f.Path] = f
			}
		}
		if len(objects) > source.MaxFiles || asked[string(next)] || len(asked) > maxObjectPages {
			return nil, contract.Failf(contract.InvalidData,
				"The listing of %s does not end, after %s. Name a folder that holds less.", b.where(), source.Plural(len(objects), "object"))
		}
		token = next
	}
	return objects, nil
}

// prefix returns what the keys that are listed begin with: the folder, and those of its folders that every pattern begins with.
func (b *bucket) prefix() string {
	if len(b.spec.Files) == 0 {
		return b.folder
	}
	var base []string
	for i, pattern := range b.spec.Files {
		dir, _ := doublestar.SplitPattern(pattern)
		folders := strings.Split(dir, "/")
		if dir == "." || slices.ContainsFunc(folders, func(name string) bool { return strings.Trim(name, ".") == "" }) {
			folders = nil // none, or such as keys have and paths do not
		}
		if i == 0 {
			base = folders
		}
		for n := range base {
			if n >= len(folders) || folders[n] != base[n] {
				base = base[:n]
				break
			}
		}
	}
	if strings.Contains(strings.Join(base, "/"), `\`) { // a name with a character that was escaped
		base = nil
	}
	names := slices.DeleteFunc(append([]string{b.folder}, base...), func(name string) bool { return name == "" })
	return strings.Join(append(names, ""), "/") // "" is every key
}

// holds reports whether a listed key is the object that the URL names or lies below it, and is no marker of a folder.
func (b *bucket) holds(key string) bool {
	if strings.HasSuffix(key, "/") {
		return false
	}
	return b.folder == "" || key == b.folder || strings.HasPrefix(key, b.folder+"/")
}

// choose returns the keys to read, sorted. A key is no path: slashes may follow one another, or begin it, and are kept as they are.
func (b *bucket) choose(ctx context.Context, objects map[string]source.File) ([]string, error) {
	if _, ok := objects[b.folder]; ok && len(b.spec.Files) == 0 {
		return []string{b.folder}, nil
	}
	above := ""
	if b.folder != "" {
		above = b.folder + "/"
	}
	below := make([]string, 0, len(objects))
	for key := range objects {
		if rest, ok := strings.CutPrefix(key, above); ok {
			below = append(below, rest)
		}
	}
	chosen, err := choose.Files(ctx, b.spec.Files, below, b.where())
	if err != nil {
		return nil, err
	}
	if len(chosen) == 0 {
		return nil, contract.Failf(contract.SourceEmpty, "%s holds no objects to read. Check url and files.", b.where())
	}
	for i, name := range chosen {
		if chosen[i] = above + name; b.unreadable(chosen[i]) {
			return nil, b.cannotAsk(chosen[i])
		}
	}
	slices.Sort(chosen)
	return chosen, nil
}

func (b *bucket) cannotAsk(key string) error {
	others := ""
	if b.unasked != "" {
		others = ", or one of the characters " + b.unasked
	}
	return contract.Failf(contract.InvalidData,
		"The object %q of %s has a key that cannot be asked for as it is: it has . or .. between slashes, __0x, a control character%s. Copy it to another key, or leave it out with files.",
		contract.Clean(key, 200), b.where(), others)
}

// unreadable reports whether an object with the key would be asked for by another one.
func (b *bucket) unreadable(key string) bool {
	return slices.ContainsFunc(strings.Split(key, "/"), dots) || strings.Contains(key, "__0x") ||
		contract.Clean(key, 0) != key || b.unasked != "" && strings.ContainsAny(key, b.unasked)
}

func dots(name string) bool { return name == "." || name == ".." }

// Open reads an object from an offset to its end.
func (b *bucket) Open(ctx context.Context, f source.File, offset int64) (io.ReadCloser, error) {
	return b.OpenRange(ctx, f, offset, f.Size-offset)
}

// OpenRange reads a part of an object. The part is named from end to end: some stores answer nothing else.
func (b *bucket) OpenRange(ctx context.Context, f source.File, offset, length int64) (io.ReadCloser, error) {
	x := &transport.Exchange{File: &f, Offset: offset}
	body, err := b.NewRangeReader(x.During(ctx), f.Path, offset, length, &blob.ReaderOptions{
		BeforeRead: func(as func(any) bool) error { b.hold(f, as); return nil },
	})
	if err != nil {
		return nil, b.opening(ctx, x, f, offset, err)
	}
	return &object{Reader: body, fail: func(err error) error { return b.failure(ctx, x, b.at(f.Path), err) }}, nil
}

// opening returns the failure of opening an object that was listed.
func (b *bucket) opening(ctx context.Context, x *transport.Exchange, f source.File, offset int64, err error) error {
	if a := x.Answered(); a != nil {
		switch a.StatusCode {
		case http.StatusNotFound, http.StatusPreconditionFailed, http.StatusNotModified:
			return contract.Failf(contract.FetchFailed, "%s: %w. Run the stage again once nothing writes to it.", b.at(f.Path), source.ErrChanged)
		case http.StatusRequestedRangeNotSatisfiable:
			return source.CannotContinue(f, offset, "the store's copy ends before that")
		}
	}
	return b.failure(ctx, x, b.at(f.Path), err)
}

// failure returns an error with its reason. What a library says of it is left out, except the service's code: it may hold a
// signature.
func (b *bucket) failure(ctx context.Context, x *transport.Exchange, what string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return contract.Failf(contract.FetchFailed, "%s cannot be read: %w.", what, cause)
	}
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode/100 == 4 && refused.Response.StatusCode != http.StatusTooManyRequests {
		return contract.Failf(contract.AuthenticationFailed, "%s cannot be read: the credentials are given no token (the answer of %s is %s). Check the Secret.",
			what, refused.Response.Request.URL.Host, contract.Clean(refused.Response.Status, 100))
	}
	code := b.code(err)
	failure := b.client.Failure(x, what, code, err)
	if failure == nil {
		if code == "" {
			code = "the answer is not one that this kind of store gives, or there are no credentials"
		}
		return contract.Failf(contract.FetchFailed, "%s cannot be read: %s. Check endpoint, credentials and any proxy on the way.", what, contract.Clean(code, 200))
	}
	if a := x.Answered(); a != nil && b.hint != nil {
		if hint := b.hint(a); hint != "" {
			return &contract.Failure{Reason: contract.ReasonOf(failure), Message: contract.Sentences(failure.Error(), hint), Err: failure}
		}
	}
	return failure
}

// object is an object's body, whose errors have their reason.
type object struct {
	*blob.Reader
	fail func(error) error
}

func (o *object) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = o.fail(err)
	}
	return n, err
}

// credentials are what a store's library asks with, and the HTTP client that it must ask through.
type credentials struct {
	transport.Secret
	client *http.Client
	token  string // the file of a workload identity token; empty if there is none
}

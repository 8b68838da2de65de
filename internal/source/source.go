// Package source is where a data set's bytes come from: a repository on a Hugging Face Hub, files by address, objects of a
// store, an artifact of an OCI registry, a folder of another claim.
//
// A Source lists its files once and pins them; from then on a file's bytes are those that were listed, or an error. What
// all kinds need is built once, around the kind, by New:
//
//	resume( retry( judge( hub | web | bucket | artifact | volume ) ) )  Open's reader goes on where a connection broke
//	parallel( … )                              large files of stores and registries come in several parts at once
//	Fetch → verify                             size and digest are checked before a file counts as fetched
//
// Every error that leaves this package is a contract.Failure. A transient reason means that trying again later may help;
// what can be tried again at once has been. No error holds a token, a signature or the query of an address.
package source

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Source is a place that holds one data set's files. Its methods may be called concurrently.
type Source interface {
	// Resolve finds the files and pins them: a branch becomes a commit, a file on the web its ETag, a file on a
	// volume its size and time. Two calls may differ, as the place changes; the files of one call belong together.
	Resolve(ctx context.Context) (Listing, error)

	// Open reads a listed file from a byte offset, 0 ≤ offset ≤ f.Size where the size is known. Two Opens of one
	// File give the same bytes or an error. What is read is checked against f.Size, and by Fetch against the
	// digests; a reader that ends early ends with an error, never with io.EOF. The reader must be closed, and ends
	// with ctx.
	Open(ctx context.Context, f File, offset int64) (io.ReadCloser, error)
}

// Local is a Source whose files lie at hand: they are read where they are, and nothing is gained by a copy.
type Local interface {
	Source
	// At opens a listed file for reading at any place. That it is still the listed one is known when it is opened, and
	// again from Unchanged.
	At(ctx context.Context, f File) (LocalFile, error)
}

// LocalFile is a file where it lies.
type LocalFile interface {
	io.ReaderAt
	io.Closer
	// Stat describes the file.
	Stat() (fs.FileInfo, error)
	// Unchanged fails when the file was written to since it was listed.
	Unchanged() error
}

// Listing is what a source holds.
type Listing struct {
	// Revision is the commit, where the source has commits.
	Revision string `json:"revision,omitempty"`
	// License is the source's own identifier of its licence, several joined by ", "; empty where it names none.
	License string `json:"license,omitempty"`
	// Rows are those that the source's card counts; 0 is not known.
	Rows int64 `json:"-"`
	// Files in row order: sorted by path, files on the web in the order in which they were asked for.
	Files []File `json:"files"`
}

// Size is how many bytes all files have, 0 where that is not known of each.
func (l Listing) Size() int64 {
	sum := int64(0)
	for _, file := range l.Files {
		if file.Size < 0 {
			return 0
		}
		sum += file.Size
	}
	return sum
}

// File is one file, pinned. It is enough to open it again, in another process too.
type File struct {
	// Path names the file, uniquely in its listing: below the repository's root, below the claim's root, or the
	// address without what may be secret in it. The names of files on the web end like the address's path.
	Path string `json:"path"`
	// Size in bytes; -1 is unknown.
	Size int64 `json:"size"`
	// SHA256 of the content in lower-case hex, where the source tells or the manifest pins it.
	SHA256 string `json:"sha256,omitempty"`
	// GitBlob is git's SHA-1 of the content in lower-case hex, where that is what the source tells.
	GitBlob string `json:"gitBlob,omitempty"`
	// Checksum of the content as "algorithm:hex", where that is what the source tells: md5, crc32c or crc64nvme.
	Checksum string `json:"checksum,omitempty"`
	// Revision is the commit the file is read at, where the source has commits; the version of an object, where the
	// store keeps versions.
	Revision string `json:"revision,omitempty"`
	// Validator is what tells a changed file where there is no digest: a strong ETag or a date of modification,
	// for a file on a volume its size and time.
	Validator string `json:"validator,omitempty"`
	// Inode of a file on a volume, where the file system has one; 0 elsewhere.
	Inode uint64 `json:"-"`
}

// pinned says that a digest proves the content, whatever way it came.
func (f File) pinned() bool {
	return f.SHA256 != "" || f.GitBlob != "" && f.Size >= 0 || proves(f.Checksum)
}

// DefaultHub is the Hub where neither the data set nor the environment names another.
const DefaultHub = "https://huggingface.co"

// Environment is what a worker has at hand; the zero value reads public data sets.
type Environment struct {
	// HubEndpoint is the base URL of the Hub, as HF_ENDPOINT; a data set's own endpoint takes its place. Empty is
	// DefaultHub.
	HubEndpoint string
	// Token is the data set's token for the Hub. It is sent to the Hub's endpoint and to no other host.
	Token string
	// Login is what the servers of an http source are told. It is sent to the one host of its addresses, over https, and to no
	// other host.
	Login Login
	// Hosts are those that Token, Login and what is in Secret may be sent to; nil is whichever the source names.
	Hosts Hosts
	// Secret is a folder with the files of the data set's Secret, named like its keys; empty where there is none, and then
	// the standard variables and files of the service's own tools are read.
	Secret string
	// Identity is the path of a workload identity token, for the sources that use one; empty where there is no such token,
	// and then the standard variables of the service's own tools are read.
	Identity string
	// Claims maps the names of mounted claims to their folders.
	Claims map[string]string
	// CABundle holds certificates of authorities in PEM form that are trusted beside those of the system.
	CABundle []byte
	// Resolver finds the addresses of hosts; nil is the system's.
	Resolver *net.Resolver
	// Transport carries the requests; nil is one with the bundle, the resolver and the timeouts here and the proxy of the
	// process's environment. Whichever it is, no request leaves for a host that is refused.
	Transport http.RoundTripper
	// Timeouts of connecting, of an answer and of a transfer that stands still.
	Timeouts Timeouts
	// MaxFile is the most bytes of one file; one that is longer, or says so, is refused. 0 is 1 TiB.
	MaxFile int64
	// Retry says how often and how long to try again.
	Retry Policy
	// Clock tells the time and waits; nil is the system's.
	Clock Clock
	// Progress is told how many bytes have come since it was last told, those that come twice included. It is
	// called often, and concurrently when files are read so; nil is nobody.
	Progress func(bytes int64)
}

// Login is a token or a name with a password; the zero value is none.
type Login struct {
	// Token is sent as a bearer token.
	Token string
	// Username and Password are sent as basic credentials.
	Username, Password string
}

// New makes the source that a specification describes. It reads nothing yet; its errors are contract.InvalidTask.
func New(spec recipe.Source, env Environment) (Source, error) {
	env, err := env.withDefaults()
	if err != nil {
		return nil, err
	}
	kind, err := newKind(spec, env)
	if err != nil {
		return nil, err
	}
	p := env.patience()
	s := &resuming{inner: &retrying{inner: judged{kind}, patience: p}, patience: p, maxFile: env.MaxFile, progress: env.Progress}
	switch kind := kind.(type) {
	case *volume:
		return &local{resuming: s, volume: kind}, nil
	case ranged:
		return &parallel{resuming: s, kind: kind, part: partSize}, nil
	default:
		return s, nil
	}
}

// local reads a volume's files where they lie.
type local struct {
	*resuming
	volume *volume
}

func (l *local) At(ctx context.Context, f File) (LocalFile, error) { return l.volume.open(ctx, f) }

func newKind(spec recipe.Source, env Environment) (Source, error) {
	set := 0
	for _, isSet := range []bool{
		spec.HuggingFace != nil, spec.HTTP != nil, spec.ObjectStore != nil, spec.OCI != nil, spec.Volume != nil,
	} {
		if isSet {
			set++
		}
	}
	if set != 1 {
		return nil, contract.Failf(contract.InvalidTask,
			"A source must be exactly one of huggingFace, http, objectStore, oci and volume, and this one has %d of them.", set)
	}
	switch {
	case spec.HuggingFace != nil:
		return newHub(*spec.HuggingFace, env)
	case spec.HTTP != nil:
		return newWeb(*spec.HTTP, env)
	case spec.ObjectStore != nil:
		return newBucket(*spec.ObjectStore, env)
	case spec.OCI != nil:
		return newArtifact(*spec.OCI, env)
	default:
		return newVolume(*spec.Volume, env)
	}
}

func (e Environment) withDefaults() (Environment, error) {
	if e.HubEndpoint == "" {
		e.HubEndpoint = DefaultHub
	}
	if e.MaxFile == 0 {
		e.MaxFile = 1 << 40
	}
	if e.Clock == nil {
		e.Clock = systemClock{}
	}
	if e.Progress == nil {
		e.Progress = func(int64) {}
	}
	e.Token = strings.TrimSpace(e.Token) // files that hold tokens end in a newline
	e.Login = e.Login.trimmed()
	e.Timeouts = e.Timeouts.withDefaults()
	e.Retry = e.Retry.withDefaults()
	if e.Transport == nil {
		var err error
		if e.Transport, err = newTransport(e); err != nil {
			return e, err
		}
	}
	e.Transport = guarded{bound{e.Transport, e.Hosts}}
	return e, nil
}

func (e Environment) patience() patience { return patience{policy: e.Retry, clock: e.Clock} }

// plural is "1 file", "2 files".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rows"
)

// Client asks a pod. Its HTTP client connects to the pod whatever the address says.
type Client struct {
	HTTP *http.Client
	// Pause is the time before a request that failed is tried again.
	Pause time.Duration
	// Progress, unless nil, receives the number of bytes that were transferred since its last call.
	Progress func(bytes int64)
}

// tries is how often in a row a failing request is tried.
const tries = 5

// again retries a request until it is answered, and gives up after several failures in a row. An error from the pod itself is not retried.
func (c Client) again(ctx context.Context, ask func() (further bool, err error)) error {
	failed := 0
	for {
		further, err := ask()
		var known *contract.Failure
		if err == nil || errors.As(err, &known) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if failed++; further {
			failed = 0
		}
		if failed == tries {
			return contract.Failf(contract.FetchFailed, "the connection to the pod does not last: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(c.Pause):
		}
	}
}

// address returns the URL of a path. Its host is never looked up: the connection leads to the pod.
func address(path string) string { return "http://pod.invalid" + path }

// ask sends a request and returns a response of success.
func (c Client) ask(ctx context.Context, method, path string, body io.Reader, edit func(*http.Request)) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, address(path), body)
	if err != nil {
		return nil, err
	}
	if edit != nil {
		edit(request)
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < http.StatusMultipleChoices {
		return response, nil
	}
	defer response.Body.Close()
	var said failure
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&said); err != nil || said.Message == "" {
		return nil, contract.Failf(contract.InvalidTask, "the worker answers %s; use a command and a worker of the same release", response.Status)
	}
	return nil, said.err()
}

// Manifest gets the manifest of the revision that a pod serves, and its digest.
func (c Client) Manifest(ctx context.Context) (m revision.Manifest, digest string, err error) {
	var content bytes.Buffer
	sum := rows.NewSum(&content)
	if err = c.read(ctx, revision.ManifestFile, sum); err != nil {
		return m, "", err
	}
	m, err = revision.ParseManifest(content.Bytes())
	return m, sum.Digest(), err
}

// read gets a file, and continues where a connection breaks.
func (c Client) read(ctx context.Context, name string, to *rows.Sum) error {
	return c.again(ctx, func() (bool, error) {
		from := to.Bytes()
		response, err := c.ask(ctx, http.MethodGet, filesPath+name, nil, func(r *http.Request) {
			if from > 0 {
				r.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
			}
		})
		if err != nil {
			return false, err
		}
		defer response.Body.Close()
		if from > 0 && response.StatusCode != http.StatusPartialContent {
			return false, contract.Failf(contract.InvalidTask, "the worker sends no parts of files; use a command and a worker of the same release")
		}
		_, err = io.Copy(to, c.told(response.Body))
		return to.Bytes() > from, err
	})
}

// told returns a reader that reports to Progress.
func (c Client) told(from io.Reader) io.Reader {
	if c.Progress == nil {
		return from
	}
	return io.TeeReader(from, progress(c.Progress))
}

type progress func(bytes int64)

func (p progress) Write(b []byte) (int, error) {
	p(int64(len(b)))
	return len(b), nil
}

// Download writes a file of the revision under a name on this machine: it is there whole, with the bytes of the manifest, or not at all. A file
// that has the name stays unless it may be replaced.
func (c Client) Download(ctx context.Context, f revision.PublishedFile, name string, overwrite bool) error {
	return Save(name, overwrite, func(out io.Writer) error { return c.Write(ctx, f, out) })
}

// Write writes a file of the revision to where it cannot be taken back; what was written counts only if there is no error.
func (c Client) Write(ctx context.Context, f revision.PublishedFile, out io.Writer) error {
	sum := rows.NewSum(out)
	if err := c.read(ctx, f.Path, sum); err != nil {
		return err
	}
	return sum.Check(f)
}

// Save writes a file of this machine under a temporary name and renames it at the end.
func Save(name string, overwrite bool, write func(io.Writer) error) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return contract.Failf(contract.InvalidTask, "the file cannot be written: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // fails once it has its name
	if err := errors.Join(write(local{temporary}), temporary.Chmod(0o644), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if overwrite {
		return os.Rename(temporary.Name(), name)
	}
	if err := os.Link(temporary.Name(), name); err != nil { // a name that is taken stays
		if _, there := os.Lstat(name); there != nil && !errors.Is(err, os.ErrExist) {
			return os.Rename(temporary.Name(), name)
		}
		return Exists(name)
	}
	return nil
}

// local is a file of this machine. That it cannot be written to is not the connection's failure.
type local struct{ file *os.File }

func (l local) Write(b []byte) (int, error) {
	n, err := l.file.Write(b)
	return n, contract.VolumeFailure(err)
}

// Exists returns the error of a name on this machine that is taken.
func Exists(name string) error {
	return failure{contract.InvalidTask, name + " exists already; use --overwrite to replace it", true}.err()
}

// Local is a file of this machine and the name that it is to have on a volume.
type Local struct{ File, Path string }

// Upload sends files, compares what arrived with what was read, and then has all of them get their names.
func (c Client) Upload(ctx context.Context, files []Local, overwrite bool) ([]Sent, error) {
	commit := Commit{Overwrite: overwrite}
	for _, f := range files {
		commit.Files = append(commit.Files, Sent{Path: f.Path})
	}
	if err := c.post(ctx, checkPath, commit); err != nil {
		return nil, err
	}
	for i, f := range files {
		sent, err := c.send(ctx, f)
		if err != nil {
			return nil, err
		}
		commit.Files[i] = sent
	}
	return commit.Files, c.post(ctx, commitPath, commit)
}

// post sends a request about all files. It is not retried: a commit whose answer was lost would find its names taken.
func (c Client) post(ctx context.Context, path string, commit Commit) error {
	encoded, err := json.Marshal(commit)
	if err != nil {
		return err
	}
	ask := func() (bool, error) {
		response, err := c.ask(ctx, http.MethodPost, path, bytes.NewReader(encoded), nil)
		if err != nil {
			return false, err
		}
		return true, response.Body.Close()
	}
	if path == commitPath {
		_, err := ask()
		var known *contract.Failure
		if err != nil && !errors.As(err, &known) && ctx.Err() == nil {
			return contract.Failf(contract.FetchFailed, "the connection broke while the files got their names: %w; look which of them are there", err)
		}
		return err
	}
	return c.again(ctx, ask)
}

// send sends a file, from its beginning again where a connection breaks.
func (c Client) send(ctx context.Context, f Local) (sent Sent, err error) {
	err = c.again(ctx, func() (bool, error) {
		sent, err = c.sendOnce(ctx, f)
		return false, err
	})
	return sent, err
}

func (c Client) sendOnce(ctx context.Context, f Local) (Sent, error) {
	file, err := os.Open(f.File)
	if err != nil {
		return Sent{}, contract.Failf(contract.FileNotFound, "%w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Sent{}, contract.Failf(contract.FileNotFound, "%w", err)
	}
	sum := rows.NewSum(io.Discard)
	body := io.TeeReader(c.told(file), sum)
	response, err := c.ask(ctx, http.MethodPut, filesPath+f.Path, io.NopCloser(body), func(r *http.Request) {
		r.ContentLength = info.Size()
	})
	if err != nil {
		return Sent{}, err
	}
	defer response.Body.Close()
	var arrived Sent
	if err := json.NewDecoder(response.Body).Decode(&arrived); err != nil {
		return Sent{}, err
	}
	sent := Sent{Path: f.Path, Bytes: sum.Bytes(), SHA256: sum.Digest()}
	if arrived != sent {
		return Sent{}, contract.Failf(contract.ChecksumMismatch, "%s arrived as %d bytes with the SHA-256 %s, and was sent as %d with %s", f.Path, arrived.Bytes, arrived.SHA256, sent.Bytes, sent.SHA256)
	}
	return sent, nil
}

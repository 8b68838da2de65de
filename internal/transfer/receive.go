package transfer

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Sent is a file that is sent: its name on the volume, and what its sender read.
type Sent struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Commit lists the files to rename.
type Commit struct {
	Files []Sent `json:"files"`
	// Overwrite lets a file take the place of another.
	Overwrite bool `json:"overwrite,omitempty"`
}

// Inbox receives files. They are in a separate folder, which is removed with the inbox, until all of them are committed: nothing half written has
// the name of a file.
type Inbox struct {
	volume   *store.Volume
	patience time.Duration

	mutex    sync.Mutex
	staging  *store.Staging
	received map[string]received
	number   int
}

type received struct {
	at      store.Path
	written filewriter.Written
}

// inboxName is in the name of the folder of files that have no names yet.
const inboxName = "put"

// NewInbox makes the folder of files that have no names yet, and removes those that other inboxes left behind.
func NewInbox(volume *store.Volume, patience time.Duration) (*Inbox, error) {
	staging, err := store.Stage(volume.Path(inboxName))
	if err != nil {
		return nil, err
	}
	return &Inbox{volume: volume, patience: patience, staging: staging, received: map[string]received{}}, nil
}

// Close removes what was not committed.
func (b *Inbox) Close() error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.staging.Close()
}

// ServeHTTP takes files and commits them.
func (b *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, isFile := strings.CutPrefix(r.URL.Path, filesPath)
	var answer any
	var err error
	switch {
	case isFile && r.Method == http.MethodPut:
		answer, err = b.take(w, r, name)
	case r.URL.Path == checkPath && r.Method == http.MethodPost:
		err = withCommit(r, b.check)
	case r.URL.Path == commitPath && r.Method == http.MethodPost:
		err = withCommit(r, b.commit)
	default:
		err = contract.Failf(contract.InvalidTask, "the worker takes files alone; use a command and a worker of the same release")
	}
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// checkName refuses a name that a file must not have: those with a leading dot are reserved for the operator and hidden files.
func checkName(name string) error {
	if !fs.ValidPath(name) || name == "." {
		return contract.Failf(contract.InvalidTask, "%q is not a name for a file on a volume; a name has no .. and no leading slash", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return contract.Failf(contract.InvalidTask, "%q begins with a dot, as what the operator keeps on a volume does; give it another name", part)
		}
	}
	return nil
}

// take writes a file into the folder of the inbox. A file that comes again takes the place of the one before.
func (b *Inbox) take(w http.ResponseWriter, r *http.Request, name string) (*Sent, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	b.mutex.Lock()
	b.number++
	at := b.staging.Folder().Join(strconv.Itoa(b.number))
	b.mutex.Unlock()
	to, err := filewriter.Create(at)
	if err != nil {
		return nil, err
	}
	body := &pacedBody{http.NewResponseController(w), b.patience, r.Body}
	n, err := io.Copy(to, body)
	if err == nil && r.ContentLength >= 0 && n != r.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		to.Abort()
		return nil, errors.Join(store.WrapError(err), at.Remove())
	}
	written, err := to.Finish()
	if err != nil {
		return nil, err
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if before, again := b.received[name]; again {
		if err := before.at.Remove(); err != nil {
			return nil, store.WrapError(err)
		}
	}
	b.received[name] = received{at, written}
	return &Sent{Path: name, Bytes: written.Bytes, SHA256: written.SHA256}, nil
}

// withCommit reads what is to be committed.
func withCommit(r *http.Request, do func(Commit) error) error {
	const most = 16 << 20
	var commit Commit
	if err := json.NewDecoder(io.LimitReader(r.Body, most)).Decode(&commit); err != nil {
		return contract.Failf(contract.InvalidTask, "the worker does not understand what it is asked for: %w; use a command and a worker of the same release", err)
	}
	return do(commit)
}

// check refuses names that are taken, before anything is sent.
func (b *Inbox) check(commit Commit) error {
	for _, f := range commit.Files {
		if err := checkName(f.Path); err != nil {
			return err
		}
		info, err := b.volume.Path(f.Path).Lstat()
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return store.WrapError(err)
		case info.IsDir():
			return contract.Failf(contract.InvalidTask, "%s is a folder on the volume; give the file another name", f.Path)
		case !commit.Overwrite:
			return taken(f.Path)
		}
	}
	return nil
}

func taken(name string) error {
	return contract.Failf(contract.InvalidTask, "%s is on the volume already (%w); use --overwrite to replace it", name, fs.ErrExist)
}

// commit renames the files to their names, once all of them are durable and are what their sender read.
func (b *Inbox) commit(commit Commit) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, f := range commit.Files {
		have, ok := b.received[f.Path]
		if !ok {
			return contract.Failf(contract.InvalidTask, "%s was not received", f.Path)
		}
		if have.written.Bytes != f.Bytes || have.written.SHA256 != f.SHA256 {
			return contract.Failf(contract.ChecksumMismatch, "%s arrived with %d bytes and the SHA-256 %s, and was sent with %d and %s", f.Path,
				have.written.Bytes, have.written.SHA256, f.Bytes, f.SHA256)
		}
	}
	if err := b.check(commit); err != nil {
		return err
	}
	if err := b.staging.Sync(); err != nil {
		return err
	}
	for _, f := range commit.Files {
		to := b.volume.Path(f.Path)
		if err := store.MakeFolder(to.Dir()); err != nil {
			return err
		}
		if err := store.Move(b.received[f.Path].at, to, commit.Overwrite); err != nil {
			if errors.Is(err, fs.ErrExist) {
				return taken(f.Path)
			}
			return err
		}
		delete(b.received, f.Path)
		if err := store.SyncFolder(to.Dir()); err != nil {
			return err
		}
	}
	return nil
}

// pacedBody aborts a request whose client sends nothing for a while.
type pacedBody struct {
	control  *http.ResponseController
	patience time.Duration
	body     io.Reader
}

func (p *pacedBody) Read(b []byte) (int, error) {
	if err := p.control.SetReadDeadline(time.Now().Add(p.patience)); err != nil {
		return 0, err
	}
	return p.body.Read(b)
}

// Package hub is a stand-in Hugging Face Hub over real HTTP: for unit tests, for the end-to-end tests and for a
// demonstration in a cluster without a way to the internet.
//
// It answers what a downloader of data sets asks (https://huggingface.co/docs/hub/api): the information about a
// repository, its paged file tree, and its files behind the redirects that make a real download awkward. A large file
// is redirected to a signed address on another host, and only that first answer has its commit, digest and size;
// a small file is redirected to a relative address whose query string must be kept. Private, gated, disabled and
// missing repositories are refused with the Hub's own codes.
//
// Repositories are plain data (Repo); package repos makes those that the project's samples use. Faults break
// chosen answers, and Count says what was asked, so that a test can say "nothing was downloaded".
package hub

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Repo is one commit of a data set repository.
type Repo struct {
	// ID is namespace/name.
	ID string
	// SHA is the commit, 40 hex digits.
	SHA string
	// Aliases are the branches and tags that point to the commit; nil is the branch main.
	Aliases []string
	// Formerly are older IDs, answered with a redirect on the same host.
	Formerly []string
	// License is the card's license identifier; empty leaves it out.
	License string
	// Configs are the card's configurations.
	Configs []Config
	// Card holds further keys of the card, put over those made of License and Configs.
	Card map[string]any
	// Files by path.
	Files map[string]File
	// Gated is "" (open), "auto" or "manual": whoever wants the files must have been granted access.
	Gated string
	// Private hides the repository from everyone without access.
	Private bool
	// Disabled refuses everything, as after a takedown.
	Disabled bool
}

// Config is one configuration of a card: which files make which split.
type Config struct {
	Name    string
	Default bool
	// DataDir is the card's data_dir; empty leaves it out.
	DataDir string
	// Data lists the splits in order.
	Data []SplitFiles
}

// SplitFiles names the files of one split; a single pattern is written as a string, several as a list, as cards do.
type SplitFiles struct {
	Split string
	Paths []string
}

// File is a file's bytes, and how the Hub keeps them.
type File struct {
	Content []byte
	// LFS is true for a file in large-file storage: redirected to the other host and known by its SHA-256.
	// Other files are known by the SHA-1 of their git blob.
	LFS bool
}

// Options are the settings of a stand-in; the zero value serves.
type Options struct {
	// CDN is the base URL of the host that serves large files; empty is the Hub's own address, under /cdn.
	CDN string
	// LinkBase is the base URL in the tree's Link headers; empty is the Hub's own. Mirrors name the real Hub here.
	LinkBase string
	// PageSize is the number of tree entries on a page; 0 is 3, few enough that pages are followed.
	PageSize int
	// Tokens maps each known token to the IDs it may read; "*" is every one.
	Tokens map[string][]string
	// Quota is how many requests of one budget ("api", "resolvers") a window of 300 s holds; 0 or a missing
	// budget is no limit.
	Quota map[string]int
	// SignedFor is how long the address of a large file works; 0 is one hour.
	SignedFor time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// AccessLog receives one line per request; nil means none.
	AccessLog io.Writer
}

// Hub serves repositories. It is safe for concurrent use, and Put may change what it serves at any time.
type Hub struct {
	// Faults break chosen answers.
	Faults Faults
	Counter

	opts    Options
	handler http.Handler

	mu      sync.Mutex
	repos   map[string][]*commit // by ID, the newest last
	moved   map[string]string    // former ID to ID
	objects map[string]object    // by SHA-256: what the signed addresses lead to
	epoch   int                  // raised by ExpireSignedURLs
}

// commit is a Repo whose digests were computed once.
type commit struct {
	Repo
	objects map[string]object // by path
}

// New makes a Hub that serves the repositories. It panics when one cannot be served, as only a mistake in a test can.
func New(opts Options, repos ...Repo) *Hub {
	opts.PageSize, opts.SignedFor = cmp.Or(opts.PageSize, 3), cmp.Or(opts.SignedFor, time.Hour)
	if opts.Now == nil {
		opts.Now = time.Now
	}
	h := &Hub{
		opts:    opts,
		repos:   map[string][]*commit{},
		moved:   map[string]string{},
		objects: map[string]object{},
		Counter: Counter{log: opts.AccessLog, now: opts.Now, counts: map[Kind]int{}},
	}
	for _, r := range repos {
		h.Put(r)
	}
	budget := &quotas{limits: opts.Quota, now: opts.Now, windows: map[string]window{}}
	h.handler = h.observe(h.Faults.Handler(KindOf, budget.meter(h.routes())))
	return h
}

// Put adds a commit of a repository. It becomes the repository's newest and takes its branches; older commits still
// answer to their SHA.
func (h *Hub) Put(r Repo) {
	ns, name, ok := strings.Cut(r.ID, "/")
	if !ok || ns == "" || name == "" || strings.Contains(name, "/") {
		panic(fmt.Sprintf("hub: repository ID %q is not namespace/name", r.ID))
	}
	if len(r.SHA) != 40 {
		panic(fmt.Sprintf("hub: commit %q of %s is not 40 hex digits", r.SHA, r.ID))
	}
	if r.Aliases == nil {
		r.Aliases = []string{"main"}
	}
	c := &commit{Repo: r, objects: make(map[string]object, len(r.Files))}
	for path, f := range r.Files {
		c.objects[path] = newObject(path, f)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.repos[r.ID] = append(h.repos[r.ID], c)
	for _, old := range r.Formerly {
		h.moved[old] = r.ID
	}
	for _, o := range c.objects {
		h.objects[o.sha256] = o
	}
}

// Repos lists the newest commit of every repository, by ID.
func (h *Hub) Repos() []Repo {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Repo
	for _, commits := range h.repos {
		out = append(out, commits[len(commits)-1].Repo)
	}
	slices.SortFunc(out, func(a, b Repo) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// SetCDN changes the base URL of large files, for a caller that learns the address only after New.
func (h *Hub) SetCDN(base string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opts.CDN = base
}

// ExpireSignedURLs makes every signed address that was given out so far answer 403, as after an hour.
func (h *Hub) ExpireSignedURLs() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epoch++
}

// ServeHTTP answers one request.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.handler.ServeHTTP(w, r) }

func (h *Hub) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /api/datasets/{ns}/{name}", h.withRepo(info))
	mux.HandleFunc("GET /api/datasets/{ns}/{name}/revision/{rev}", h.withRepo(info))
	mux.HandleFunc("GET /api/datasets/{ns}/{name}/tree/{rev}", h.withRepo(h.tree))
	mux.HandleFunc("GET /api/datasets/{ns}/{name}/tree/{rev}/{path...}", h.withRepo(h.tree))
	mux.HandleFunc("POST /api/datasets/{ns}/{name}/paths-info/{rev}", h.withRepo(pathsInfo))
	mux.HandleFunc("GET /api/datasets/{ns}/{name}/refs", h.withRepo(h.refs))
	mux.HandleFunc("GET /api/datasets/{ns}/{name}/commits/{rev}", h.withRepo(h.commits))
	mux.HandleFunc("GET /api/datasets/{ns}/{name}/auth-check", h.withRepo(h.needGrant(authCheck)))
	mux.HandleFunc("GET /datasets/{ns}/{name}/resolve/{rev}/{path...}", h.withRepo(h.needGrant(h.resolve)))
	mux.HandleFunc("GET /api/resolve-cache/datasets/{ns}/{name}/{rev}/{path...}", h.withRepo(h.needGrant(h.cached)))
	mux.HandleFunc("GET /cdn/{path...}", h.cdn)
	return mux
}

// find looks a commit up by SHA, branch or tag; an empty revision is the newest.
func (h *Hub) find(id, rev string) (found *commit, exists, hasRevision bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	commits := h.repos[id]
	if len(commits) == 0 {
		return nil, false, false
	}
	for _, c := range slices.Backward(commits) {
		if rev == "" || rev == c.SHA || slices.Contains(c.Aliases, rev) {
			return c, true, true
		}
	}
	return commits[len(commits)-1], true, false
}

// Readme returns the card as a client that reads the file itself has it: JSON is YAML.
func (r Repo) Readme() []byte {
	front, err := json.MarshalIndent(r.card(), "", "  ")
	if err != nil {
		panic(fmt.Sprintf("hub: %v", err)) // only this package's own values come here
	}
	return fmt.Appendf(nil, "---\n%s\n---\n# %s\n", front, r.ID)
}

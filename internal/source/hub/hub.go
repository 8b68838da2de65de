// Package hub reads data set repositories of a Hugging Face Hub.
package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/glob"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/choose"
	"github.com/datasetmix/datasetmix/internal/source/transport"
)

// hub is a data set repository on a Hugging Face Hub, over its HTTP API (https://huggingface.co/docs/hub/api).
type hub struct {
	client   *transport.Client
	spec     recipe.HuggingFace
	endpoint *url.URL
	token    string
}

var repoID = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`)

// Options are the settings and credentials of a Hub.
type Options struct {
	// Endpoint is the base URL of the Hub, as in HF_ENDPOINT; a data set's own endpoint takes its place. Empty is https://huggingface.co.
	Endpoint string
	// Token is the data set's token. It is sent to the Hub's endpoint and to no other host.
	Token string
}

// defaultEndpoint is the Hub where neither the data set nor its options name another.
const defaultEndpoint = "https://huggingface.co"

// New returns the source that a specification describes.
func New(spec recipe.HuggingFace, o Options, c *transport.Client) (source.Source, error) {
	return newHub(spec, o, c)
}

func newHub(spec recipe.HuggingFace, o Options, c *transport.Client) (*hub, error) {
	if !repoID.MatchString(spec.Repo) {
		return nil, contract.Failf(contract.InvalidTask,
			"The repository %q is not namespace/name; old names without a namespace have moved.", spec.Repo)
	}
	if err := glob.Check(spec.Files); err != nil {
		return nil, err
	}
	u, err := url.Parse(strings.TrimRight(cmp.Or(spec.Endpoint, o.Endpoint, defaultEndpoint), "/"))
	if err != nil || !transport.OnTheWeb(u) || u.RawQuery != "" || u.User != nil {
		return nil, contract.Failf(contract.InvalidTask, "The endpoint of the Hub is not an http or https URL of a host.")
	}
	token := strings.TrimSpace(o.Token) // files that hold tokens end in a newline
	if transport.Malformed(token) {
		return nil, contract.Failf(contract.InvalidTask,
			"The token for %s holds spaces or other characters that no token has. Check the key that tokenSecretRef names.", spec.Repo)
	}
	return &hub{client: c, spec: spec, endpoint: u, token: token}, nil
}

// Resolve pins the revision to a commit, lists that commit's files and chooses among them.
func (h *hub) Resolve(ctx context.Context) (source.Listing, error) {
	info, err := h.info(ctx)
	if err != nil {
		return source.Listing{}, err
	}
	files, err := h.tree(ctx, info.SHA)
	if err != nil {
		return source.Listing{}, err
	}
	chosen, err := h.choose(ctx, info, files)
	if err != nil {
		return source.Listing{}, err
	}
	l := source.Listing{Revision: info.SHA, License: info.CardData.license()}
	if len(h.spec.Files) == 0 {
		l.Rows = info.CardData.rowsOf(cmp.Or(h.spec.Config, defaultConfig), h.spec.Split)
	}
	bytes := int64(0)
	for _, p := range chosen {
		l.Files = append(l.Files, files[p])
		bytes += files[p].Size
	}
	if bytes == 0 {
		return source.Listing{}, contract.Failf(contract.SourceEmpty,
			"There is no data in %s of %s: the size is 0 bytes. Choose other files, or another revision.", source.Enumerate(chosen), h.where())
	}
	return l, nil
}

func (h *hub) choose(ctx context.Context, info repoInfo, files map[string]source.File) ([]string, error) {
	paths := slices.Collect(maps.Keys(files)) // everything that is made of them is sorted
	if len(h.spec.Files) > 0 {
		return choose.Files(ctx, h.spec.Files, paths, h.where())
	}
	s := selection{config: h.spec.Config, split: h.spec.Split, where: h.where()}
	chosen, err := s.choose(ctx, info.CardData, paths)
	if nothing := h.holdsData(paths); err != nil && nothing != nil {
		return nil, nothing // which explains more than that none was chosen
	}
	return chosen, err
}

// holdsData finds a repository that has nothing to choose from.
func (h *hub) holdsData(paths []string) error {
	script := ""
	for _, p := range paths {
		if formatOf(p) != "" {
			return nil
		}
		if strings.HasSuffix(p, ".py") {
			script = p
		}
	}
	switch {
	case len(paths) == 0:
		return contract.Failf(contract.SourceEmpty, "%s has no files at this revision. Check revision, and the repository.", source.Capital(h.where()))
	case script != "":
		return contract.Failf(contract.SourceEmpty,
			"%s has the loading script %s and no data files, and no script is run. The revision refs/convert/parquet may have its rows as files.",
			source.Capital(h.where()), script)
	default:
		return contract.Failf(contract.SourceEmpty,
			"%s has no files of data: it has %s. Name those that are some with files.", source.Capital(h.where()), source.Enumerate(paths))
	}
}

// where names the repository in messages.
func (h *hub) where() string { return "repository " + h.spec.Repo }

// at returns an address of the API; segments are escaped, empty ones left out.
func (h *hub) at(segments ...string) *url.URL {
	u := *h.endpoint
	escaped := make([]string, 0, len(segments))
	for _, s := range segments {
		if s != "" {
			escaped = append(escaped, url.PathEscape(s))
		}
	}
	u.RawPath = strings.TrimRight(u.EscapedPath(), "/") + "/" + strings.Join(escaped, "/")
	u.Path, _ = url.PathUnescape(u.RawPath) // what was just escaped
	return &u
}

func (h *hub) api(more ...string) *url.URL {
	ns, name, _ := strings.Cut(h.spec.Repo, "/")
	return h.at(append([]string{"api", "datasets", ns, name}, more...)...)
}

// get reads one answer of the API into v and returns its headers. It retries, so that one failed page does not restart a long listing.
func (h *hub) get(ctx context.Context, u *url.URL, v any) (got apiAnswer, err error) {
	err = h.client.Retry.Do(ctx, func() error {
		got, err = h.getOnce(ctx, u, v)
		return err
	})
	return got, err
}

// apiAnswer is the header and the size of an answer of the API.
type apiAnswer struct {
	header http.Header
	bytes  int
}

func (h *hub) getOnce(ctx context.Context, u *url.URL, v any) (apiAnswer, error) {
	a, err := h.client.Do(ctx, transport.Request{Method: http.MethodGet, URL: u, Authorization: transport.Bearer(h.token)})
	if err != nil {
		return apiAnswer{}, err
	}
	defer transport.Drain(a.Body)
	if err := h.refusal(a, ""); err != nil {
		return apiAnswer{}, err
	}
	body, err := io.ReadAll(io.LimitReader(a.Body, transport.MaxAnswer+1))
	if err != nil {
		return apiAnswer{}, err
	}
	if len(body) > transport.MaxAnswer {
		return apiAnswer{}, contract.Failf(contract.InvalidData,
			"%s answers with more than %d bytes, which no answer of a Hub has. Check the endpoint.", transport.Shown(u), transport.MaxAnswer)
	}
	if err := json.Unmarshal(body, v); err != nil {
		// Proxies and log-in pages answer 200 with HTML; they may be gone a moment later.
		return apiAnswer{}, contract.Failf(contract.FetchFailed,
			"%s did not answer as a Hub does: %w. Check the endpoint, and any proxy on the way.", transport.Shown(u), err)
	}
	return apiAnswer{a.Header, len(body)}, nil
}

func (h *hub) info(ctx context.Context) (repoInfo, error) {
	u := h.api()
	if h.spec.Revision != "" {
		u = h.api("revision", h.spec.Revision)
	}
	var info repoInfo
	if _, err := h.get(ctx, u, &info); err != nil {
		return repoInfo{}, err
	}
	if info.Disabled {
		return repoInfo{}, h.disabled()
	}
	if !contract.IsGitDigest(info.SHA) {
		return repoInfo{}, contract.Failf(contract.FetchFailed,
			"%s did not answer as a Hub does: it names no commit. Check the endpoint.", transport.Shown(u))
	}
	if contract.IsGitDigest(h.spec.Revision) && info.SHA != h.spec.Revision {
		return repoInfo{}, contract.Failf(contract.ChecksumMismatch,
			"%s answers with commit %s where %s is pinned. Check the mirror.", transport.Shown(u), info.SHA, h.spec.Revision)
	}
	return info, nil
}

// Bounds of a listing, in pages and bytes. The Hub puts a thousand files on a page.
const (
	maxPages   = 2_000
	maxListing = 512 << 20
)

// tree lists every file of a commit.
func (h *hub) tree(ctx context.Context, sha string) (map[string]source.File, error) {
	files := map[string]source.File{}
	query, bytes := "recursive=true", 0
	for asked := map[string]bool{}; query != ""; {
		if asked[query] || len(asked) >= maxPages || len(files) > source.MaxFiles || bytes > maxListing {
			return nil, contract.Failf(contract.InvalidData,
				"The listing of %s does not end, after %s. Check the mirror.", h.where(), source.Plural(len(files), "file"))
		}
		asked[query] = true
		u := h.api("tree", sha)
		u.RawQuery = query
		var page []treeEntry
		got, err := h.get(ctx, u, &page)
		if err != nil {
			return nil, err
		}
		bytes += got.bytes
		for _, e := range page {
			if f, ok, err := e.file(sha); err != nil {
				return nil, contract.Within("the listing of "+h.where(), err)
			} else if ok {
				files[f.Path] = f
			}
		}
		query = nextPage(got.header)
	}
	return files, nil
}

// nextPage returns the query of the next page. Its host and path are this page's: mirrors send the real Hub's address.
func nextPage(header http.Header) string {
	for _, links := range header.Values("Link") {
		for _, link := range strings.Split(links, ",") {
			address, rel, _ := strings.Cut(link, ";")
			if !strings.Contains(rel, `rel="next"`) {
				continue
			}
			if u, err := url.Parse(strings.Trim(address, "<> ")); err == nil {
				return u.RawQuery
			}
		}
	}
	return ""
}

// Open asks the Hub for the address of the file, each time again since a signed address expires, checks that it is the listed file, and
// reads it from there.
func (h *hub) Open(ctx context.Context, f source.File, offset int64) (io.ReadCloser, error) {
	if !contract.IsGitDigest(f.Revision) {
		return nil, contract.Failf(contract.InvalidTask, "%s of %s is not pinned to a commit.", f.Path, h.where())
	}
	ns, name, _ := strings.Cut(h.spec.Repo, "/")
	u := h.at(append([]string{"datasets", ns, name, "resolve", f.Revision}, strings.Split(f.Path, "/")...)...)
	request := transport.Request{Method: http.MethodGet, URL: u, Authorization: transport.Bearer(h.token), Header: transport.RangeFrom(offset, "")}
	return h.client.Read(ctx, request, f, offset, func(a *transport.Answer) error {
		if err := h.refusal(a, f.Path); err != nil {
			return err
		}
		return h.sameFile(a.Said, f)
	})
}

// sameFile compares what the Hub says of a file with what was listed; mirrors may say nothing.
func (h *hub) sameFile(said http.Header, f source.File) error {
	if got := said.Get("X-Repo-Commit"); got != "" && got != f.Revision {
		return contract.Failf(contract.ChecksumMismatch,
			"%s answers for %s with commit %s instead of %s. Check the mirror.", h.endpoint.Host, f.Path, got, f.Revision)
	}
	differs := func(what, got, want string) error {
		return contract.Failf(contract.ChecksumMismatch,
			"%s announces %s with the %s %s, and the commit lists it with %s. Check the mirror.", h.endpoint.Host, f.Path, what, got, want)
	}
	if size := said.Get("X-Linked-Size"); size != "" && f.Size >= 0 && size != strconv.FormatInt(f.Size, 10) {
		return differs("size", strconv.Quote(contract.Clean(size, 30)), strconv.FormatInt(f.Size, 10))
	}
	// The first answer's: 64 digits are the content's SHA-256, 40 are git's own digest of a small file.
	etag := cmp.Or(said.Get("X-Linked-Etag"), said.Get("ETag"))
	switch etag = strings.Trim(strings.TrimPrefix(etag, "W/"), `"`); {
	case contract.IsSHA256(etag) && f.SHA256 != "" && etag != f.SHA256 && said.Get("X-Linked-Etag") != "":
		return differs("SHA-256", etag, f.SHA256)
	case contract.IsGitDigest(etag) && f.GitBlob != "" && etag != f.GitBlob:
		return differs("git blob SHA-1", etag, f.GitBlob)
	}
	return nil
}

// refusal returns the failure of an answer about the repository (path empty) or one of its files, nil for a success.
func (h *hub) refusal(a *transport.Answer, path string) error {
	what := h.where()
	if path != "" {
		what = fmt.Sprintf("%s of %s", path, what)
	}
	if err := h.named(a, what); err != nil {
		return err
	}
	return h.client.Refusal(a, what)
}

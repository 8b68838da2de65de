package source

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// web is a list of files by address.
type web struct {
	client *client
	files  []webFile
	login  Login
}

type webFile struct {
	path   string // as in File.Path
	url    *url.URL
	sha256 string
}

func newWeb(spec recipe.HTTP, env Environment) (*web, error) {
	if len(spec.URLs) == 0 {
		return nil, contract.Failf(contract.InvalidTask, "An http source must name at least one address.")
	}
	w := &web{client: newClient(env), login: env.Login}
	taken, addresses := map[string]bool{}, []*url.URL(nil)
	for i, file := range spec.URLs {
		u, err := url.Parse(file.URL)
		if err != nil || !onTheWeb(u) {
			// The parser's error would repeat the address with what is secret in it.
			return nil, contract.Failf(contract.InvalidTask, "Address %d of the http source is not an http or https URL.", i+1)
		}
		if file.SHA256 != "" && !contract.IsSHA256(file.SHA256) {
			return nil, contract.Failf(contract.InvalidTask,
				"The sha256 of %s is not 64 lower-case hexadecimal digits.", shown(u))
		}
		path := shown(u)
		for n := 2; taken[path]; n++ { // addresses that differ in their query alone
			path = strconv.Itoa(n) + ". " + shown(u)
		}
		taken[path] = true
		w.files = append(w.files, webFile{path: path, url: u, sha256: file.SHA256})
		addresses = append(addresses, u)
	}
	return w, w.login.check(addresses)
}

// Resolve asks for the head of each file. A server that does not answer HEAD leaves size and validator unknown; whether
// the file can be read is then seen when it is.
func (w *web) Resolve(ctx context.Context) (Listing, error) {
	var l Listing
	for _, file := range w.files {
		f := File{Path: file.path, Size: -1, SHA256: file.sha256}
		err := w.client.patience.do(ctx, func() error { return w.head(ctx, file, &f) })
		if err != nil {
			return Listing{}, err
		}
		l.Files = append(l.Files, f)
	}
	return l, nil
}

func (w *web) head(ctx context.Context, file webFile, f *File) error {
	a, err := w.client.do(ctx, request{method: http.MethodHead, url: file.url, authorization: w.login.header()})
	if err != nil {
		return err
	}
	drain(a.Body)
	switch a.StatusCode {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return nil // a signed address is good for GET alone
	}
	if err := w.refusal(a, file.path); err != nil {
		return err
	}
	if a.Header.Get("Content-Encoding") == "" { // else the length is of something else
		f.Size = a.ContentLength
	}
	f.Validator = validator(a.Header)
	return nil
}

// Open reads one of the addresses.
func (w *web) Open(ctx context.Context, f File, offset int64) (io.ReadCloser, error) {
	u := w.find(f.Path)
	if u == nil {
		return nil, contract.Failf(contract.InvalidTask, "%s is none of the addresses of this source.", f.Path)
	}
	ifRange := f.Validator
	if f.pinned() {
		ifRange = "" // the digest decides; servers behind one name may have an ETag each
	} else if offset > 0 && ifRange == "" {
		return nil, cannotContinue(f, offset, "neither the server nor the manifest says what would prove it unchanged")
	}
	a, err := w.client.do(ctx, request{method: http.MethodGet, url: u, authorization: w.login.header(), header: rangeFrom(offset, ifRange)})
	if err != nil {
		return nil, err
	}
	if a.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		drain(a.Body)
		return nil, cannotContinue(f, offset, "the server's copy ends before that")
	}
	if err := w.refusal(a, f.Path); err != nil {
		drain(a.Body)
		return nil, err
	}
	return content(a, f, offset)
}

func (w *web) find(path string) *url.URL {
	for _, file := range w.files {
		if file.path == path {
			return file.url
		}
	}
	return nil
}

// refusal is the failure of an answer about a file, nil for a success.
func (w *web) refusal(a *answer, path string) error {
	host := a.Request.URL.Host
	switch {
	case a.StatusCode != http.StatusUnauthorized && a.StatusCode != http.StatusForbidden:
		return refusal(a, path, w.client.clock.Now())
	case a.foreign && !w.login.isZero():
		return contract.Failf(contract.AuthenticationFailed,
			"%s may not be read: it is redirected to %s, which answers %d and is not given the credentials of another host. "+
				"Name the address there, with credentials for it.", path, host, a.StatusCode)
	case w.login.isZero():
		return contract.Failf(contract.AuthenticationFailed,
			"%s may not be read: %s answers %d, and no credentials are given. Name a Secret with a token, or with username and password, in secretRef.",
			path, host, a.StatusCode)
	default:
		return contract.Failf(contract.AuthenticationFailed,
			"%s may not be read: %s answers %d to the credentials that are given. Check the Secret that secretRef names, and what it may read.",
			path, host, a.StatusCode)
	}
}

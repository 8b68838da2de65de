// Package web reads files by address from http and https servers.
package web

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/transport"
)

// web is a list of files by address.
type web struct {
	client *transport.Client
	files  []webFile
	login  Login
}

type webFile struct {
	path   string // as in File.Path
	url    *url.URL
	sha256 string
}

// Options are the credentials of files by address.
type Options struct {
	// Login is sent to the one host of the addresses, over https, and to no other host.
	Login Login
}

// New returns the source that a specification describes.
func New(spec recipe.HTTP, o Options, c *transport.Client) (source.Source, error) {
	if len(spec.URLs) == 0 {
		return nil, contract.Failf(contract.InvalidTask, "An http source must name at least one address.")
	}
	w := &web{client: c, login: o.Login.trimmed()}
	taken, addresses := map[string]bool{}, []*url.URL(nil)
	for i, file := range spec.URLs {
		u, err := url.Parse(file.URL)
		if err != nil || !transport.OnTheWeb(u) {
			// The parser's error would repeat the address with what is secret in it.
			return nil, contract.Failf(contract.InvalidTask, "Address %d of the http source is not an http or https URL.", i+1)
		}
		if file.SHA256 != "" && !contract.IsSHA256(file.SHA256) {
			return nil, contract.Failf(contract.InvalidTask,
				"The sha256 of %s is not 64 lower-case hexadecimal digits.", transport.Shown(u))
		}
		path := transport.Shown(u)
		for n := 2; taken[path]; n++ { // addresses that differ in their query alone
			path = strconv.Itoa(n) + ". " + transport.Shown(u)
		}
		taken[path] = true
		w.files = append(w.files, webFile{path: path, url: u, sha256: file.SHA256})
		addresses = append(addresses, u)
	}
	return w, w.login.check(addresses)
}

// Resolve asks for the head of each file. A server that does not answer HEAD leaves size and validator unknown; whether
// the file can be read is then seen when it is.
func (w *web) Resolve(ctx context.Context) (source.Listing, error) {
	var l source.Listing
	for _, file := range w.files {
		f := source.File{Path: file.path, Size: -1, SHA256: file.sha256}
		err := w.client.Retry.Do(ctx, func() error { return w.head(ctx, file, &f) })
		if err != nil {
			return source.Listing{}, err
		}
		l.Files = append(l.Files, f)
	}
	return l, nil
}

func (w *web) head(ctx context.Context, file webFile, f *source.File) error {
	a, err := w.client.Do(ctx, transport.Request{Method: http.MethodHead, URL: file.url, Authorization: w.login.header()})
	if err != nil {
		return err
	}
	transport.Drain(a.Body)
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
	f.Validator = transport.Validator(a.Header)
	return nil
}

// Open reads one of the addresses.
func (w *web) Open(ctx context.Context, f source.File, offset int64) (io.ReadCloser, error) {
	u := w.find(f.Path)
	if u == nil {
		return nil, contract.Failf(contract.InvalidTask, "%s is none of the addresses of this source.", f.Path)
	}
	ifRange := f.Validator
	if f.Pinned() {
		ifRange = "" // the digest decides; servers behind one name may have an ETag each
	} else if offset > 0 && ifRange == "" {
		return nil, source.CannotContinue(f, offset, "neither the server nor the manifest says what would prove it unchanged")
	}
	request := transport.Request{Method: http.MethodGet, URL: u, Authorization: w.login.header(), Header: transport.RangeFrom(offset, ifRange)}
	return w.client.Read(ctx, request, f, offset, func(a *transport.Answer) error { return w.refusal(a, f.Path) })
}

func (w *web) find(path string) *url.URL {
	for _, file := range w.files {
		if file.path == path {
			return file.url
		}
	}
	return nil
}

// refusal returns the failure of an answer about a file, nil for a success.
func (w *web) refusal(a *transport.Answer, path string) error {
	host := a.Request.URL.Host
	switch {
	case a.StatusCode != http.StatusUnauthorized && a.StatusCode != http.StatusForbidden:
		return w.client.Refusal(a, path)
	case a.Foreign && !w.login.isZero():
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

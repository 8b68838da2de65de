// Package ui serves pages about mixes to the person who started it: the state of the mixes of a cluster, or the revisions of a folder with their rows. It
// only reads.
//
// It listens on the loopback device. The path of every address begins with a random token, which only the person who started it is told. A request must
// name the server's own host, since a foreign page can have its own name resolve to the loopback device, and must not come from a foreign page. Rows are
// shown as text, and the policy of the pages allows only the server's own script.
package ui

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/report"
)

//go:embed assets
var assets embed.FS

// Options are the mixes to show.
type Options struct {
	// Folder is a volume, a mix's folder on it, or a revision; empty for a cluster.
	Folder string
	// Mixes lists the mixes of a cluster, nil for a folder; Where names their namespace.
	Mixes func(context.Context) ([]*datav1alpha1.DatasetMix, error)
	Where string
	// Judge returns the recipe of a manifest, judged as by the API server and the operator.
	Judge func(context.Context, []byte) (recipe.Recipe, error)
}

// Server answers requests.
type Server struct {
	options   Options
	folder    *folder // nil for a cluster
	token     string
	host      string
	templates *template.Template
}

// New returns a server for an address to listen at, which must be a loopback address with a port.
func New(address string, options Options) (*Server, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("the address %s is not on the loopback device, such as 127.0.0.1; whoever reaches it could read every row", address)
	}
	s := &Server{options: options, token: newToken(), host: address}
	if options.Folder != "" {
		if s.folder, err = openFolder(options.Folder); err != nil {
			return nil, err
		}
	}
	functions := report.Functions()
	functions["query"] = query
	if s.templates, err = template.New("").Funcs(functions).ParseFS(assets, "assets/*.tmpl"); err != nil {
		return nil, err
	}
	return s, nil
}

func newToken() string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // it cannot fail
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// Close closes the folder.
func (s *Server) Close() error {
	if s.folder == nil {
		return nil
	}
	return s.folder.root.Close()
}

// URL returns the address to open.
func (s *Server) URL() string { return "http://" + s.host + "/" + s.token + "/" }

// policy is the Content-Security-Policy of pages: they may load the server's style and script, and nothing from other servers.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// reportPolicy is the Content-Security-Policy of published reports, whose style is inline. No script in them runs.
const reportPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

// Handler returns the handler of requests.
func (s *Server) Handler() http.Handler {
	pages := http.NewServeMux()
	for pattern, answer := range map[string]func(*http.Request) (string, any, error){
		"GET /{$}": s.home, "GET /revision": s.revision, "GET /rows": s.rows, "GET /dropped": s.dropped, "GET /pair": s.pair,
		"GET /compare": s.compare, "GET /edit": s.edit, "POST /edit": s.edit, "GET /mix": s.mix,
	} {
		pages.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.page(w, r, answer) })
	}
	pages.HandleFunc("GET /report", s.report)
	static, err := fs.Sub(assets, "assets")
	if err != nil {
		panic("ui: " + err.Error()) // the folder is in the program
	}
	for _, name := range []string{"ui.css", "ui.js"} {
		pages.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, static, name) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers send the forms of a page with the origin null
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if why := s.refused(r); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		http.StripPrefix("/"+s.token, pages).ServeHTTP(w, r)
	})
}

// refused returns why a request is not answered; empty if it is.
func (s *Server) refused(r *http.Request) string {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	switch {
	case r.Host != s.host:
		return "This server answers to " + s.host + " alone."
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		return "This server only reads."
	case origin != "" && origin != "http://"+s.host, site != "" && site != "same-origin" && site != "none":
		return "This server answers no page of elsewhere."
	case r.Method == http.MethodPost && origin == "":
		return "A form without an origin is not answered."
	}
	first, _, slash := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !slash || subtle.ConstantTimeCompare([]byte(first), []byte(s.token)) != 1 {
		return "Open the address that was printed: it has a token."
	}
	return ""
}

// notFoundError is the error for something that a request names and that does not exist.
type notFoundError struct{ what string }

func (e *notFoundError) Error() string { return e.what }

// mistakeError is the error for a mistake in a request.
type mistakeError struct{ error }

func (e *mistakeError) Unwrap() error { return e.error }

// page answers with a template, or with the error of executing it.
func (s *Server) page(w http.ResponseWriter, r *http.Request, answer func(*http.Request) (string, any, error)) {
	name, data, err := answer(r)
	status := http.StatusOK
	var missing *notFoundError
	var mistake *mistakeError
	if err != nil {
		name, data, status = "error.html.tmpl", err.Error(), http.StatusInternalServerError
	}
	switch {
	case errors.As(err, &missing):
		status = http.StatusNotFound
	case errors.As(err, &mistake):
		status = http.StatusBadRequest
	}
	var out bytes.Buffer
	if err := s.templates.ExecuteTemplate(&out, name, struct {
		Where, Folder string
		CanEdit       bool
		Data          any
	}{s.options.Where, s.options.Folder, s.options.Judge != nil && s.folder != nil, data}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // the browser went away
}

// query returns the query of an address, from names and values in turn.
func query(pairs ...any) template.URL {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if text := fmt.Sprint(pairs[i+1]); text != "" {
			values.Set(fmt.Sprint(pairs[i]), text)
		}
	}
	return template.URL(values.Encode()) //nolint:gosec // every name and value was escaped
}

// home answers with the mixes of the cluster or of the folder.
func (s *Server) home(r *http.Request) (string, any, error) {
	var home struct {
		Cluster []clusterMix
		Failed  string
		Folder  []mixFolder
	}
	if s.options.Mixes != nil {
		mixes, err := s.options.Mixes(r.Context())
		if err != nil {
			home.Failed = err.Error()
		}
		for _, m := range mixes {
			home.Cluster = append(home.Cluster, clusterMixOf(m))
		}
	}
	if s.folder != nil {
		var err error
		if home.Folder, err = s.folder.mixes(); err != nil {
			return "", nil, err
		}
	}
	return "home.html.tmpl", home, nil
}

// report answers with a published report.
func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	rev, err := s.folder.named(asked(r))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	content, err := s.folder.readFile(rev.path("report.html"), maxReport)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Security-Policy", reportPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(content) // it is a page that was published: its policy lets no script run
}

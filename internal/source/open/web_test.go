package open_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// onWeb makes a source of addresses below a handler's; a digest may follow an address after a space.
func onWeb(t *testing.T, h http.Handler, addresses ...string) source.Source {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	var files []recipe.HTTPFile
	for _, a := range addresses {
		path, sum, _ := strings.Cut(a, " ")
		files = append(files, recipe.HTTPFile{URL: server.URL + path, SHA256: sum})
	}
	env := environment(newClock())
	env.Hub.Token = "hf_secret" // which is for the Hub alone: TestWebRequestHeaders
	return newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: files}}, env)
}

// body answers every request with the same bytes, ranges included.
func body(content string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	}
}

func TestWebListsInTheOrderAskedFor(t *testing.T) {
	sum := digest([]byte("b"))
	mux := http.NewServeMux()
	mux.Handle("/b.jsonl", body("b", "ETag", `"one"`))
	mux.Handle("/a.csv", body("aa", "ETag", `W/"weak"`))
	mux.Handle("/c", body("ccc", "Last-Modified", "Sat, 01 Aug 2026 12:00:00 GMT", "Date", "Sat, 01 Aug 2026 12:00:00 GMT"))
	mux.Handle("/d", body("dddd", "Last-Modified", "Sat, 01 Aug 2026 11:59:00 GMT", "Date", "Sat, 01 Aug 2026 12:00:00 GMT"))
	s := onWeb(t, mux, "/b.jsonl "+sum, "/a.csv?key=1", "/a.csv?key=2", "/c#part", "/d")
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimSuffix(l.Files[0].Path, "/b.jsonl")
	want := []source.File{
		{Path: host + "/b.jsonl", Size: 1, SHA256: sum, Validator: `"one"`},
		{Path: host + "/a.csv", Size: 2},
		{Path: "2. " + host + "/a.csv", Size: 2},
		{Path: host + "/c", Size: 3}, // may have changed twice within its second
		{Path: host + "/d", Size: 4, Validator: "Sat, 01 Aug 2026 11:59:00 GMT"},
	}
	if diff := cmp.Diff(want, l.Files); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, f := range l.Files {
		if got, err := read(subject{source: s}, f, 0); err != nil || int64(len(got)) != f.Size {
			t.Errorf("file %d: %q, %v", i, got, err)
		}
	}
}

func TestWebWithoutHead(t *testing.T) {
	for _, status := range []int{400, 403, 405, 501} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(status)
				return
			}
			body("content")(w, r)
		})
		s := onWeb(t, h, "/x")
		l, err := s.Resolve(context.Background())
		if err != nil {
			t.Fatalf("HEAD answers %d: %v", status, err)
		}
		if l.Files[0].Size != -1 || l.Files[0].Validator != "" {
			t.Errorf("HEAD answers %d: listed %+v", status, l.Files[0])
		}
		if got, err := read(subject{source: s}, l.Files[0], 0); err != nil || string(got) != "content" {
			t.Errorf("HEAD answers %d: %q, %v", status, got, err)
		}
	}
}

func TestWebRefusals(t *testing.T) {
	for status, want := range map[int]contract.Reason{
		401: contract.AuthenticationFailed, 407: contract.AuthenticationFailed,
		404: contract.SourceNotFound, 410: contract.SourceNotFound, 418: contract.SourceNotFound,
		304: contract.SourceNotFound, 429: contract.RateLimited, 500: contract.FetchFailed,
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		_, err := onWeb(t, h, "/x?key=hidden").Resolve(context.Background())
		wantReason(t, err, want)
		if strings.Contains(err.Error(), "hidden") {
			t.Errorf("message %q holds the query", err)
		}
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	wantReason(t, resolveAndRead(onWeb(t, h, "/x")), contract.AuthenticationFailed)
}

func TestWebChangedFileIsNotMixed(t *testing.T) {
	content := "one one one"
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body(content, "ETag", `"`+digest([]byte(content))+`"`)(w, r)
	})
	s := onWeb(t, h, "/x")
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	content = "two two two"
	for _, offset := range []int64{0, 4} {
		_, err := read(subject{source: s}, l.Files[0], offset)
		wantReason(t, err, contract.FetchFailed)
		if !strings.Contains(err.Error(), "changed since it was listed") {
			t.Errorf("from %d: %v", offset, err)
		}
	}
}

func TestWebDigestDecidesAndNotTheETag(t *testing.T) {
	n := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++ // a cluster of servers that each make an ETag of their own
		body("content", "ETag", `"`+strings.Repeat("x", n)+`"`)(w, r)
	})
	s := onWeb(t, h, "/x "+digest([]byte("content")))
	wantFetchedContent(t, s, []byte("con"), "content")
}

// wantFetchedContent fetches the one file of a source over a part.
func wantFetchedContent(t *testing.T, s source.Source, part []byte, want string) {
	t.Helper()
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := fetch(t, subject{source: s}, l.Files[0], part)
	if err != nil || string(got) != want {
		t.Errorf("fetched %q, %v; want %q", got, err, want)
	}
}

func TestWebRangesThatCannotBeTrusted(t *testing.T) {
	const content = "0123456789"
	for name, contentRange := range map[string]string{
		"another part":    "bytes 3-9/10",
		"of another size": "bytes 5-9/99",
		"no part":         "none",
	} {
		t.Run(name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" {
					w.Header().Set("Content-Range", contentRange)
					w.WriteHeader(http.StatusPartialContent)
					_, _ = io.WriteString(w, "wrong")
					return
				}
				body(content)(w, r)
			})
			wantFetchedContent(t, onWeb(t, h, "/x "+digest([]byte(content))), []byte("01234"), content)
		})
	}
	t.Run("416", func(t *testing.T) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			body(content)(w, r)
		})
		wantFetchedContent(t, onWeb(t, h, "/x "+digest([]byte(content))), []byte("01234"), content)
	})
	t.Run("416 for a whole part of unknown size", func(t *testing.T) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			body(content)(w, r)
		})
		wantFetchedContent(t, onWeb(t, h, "/x "+digest([]byte(content))), []byte(content), content)
	})
	t.Run("no Content-Range, and nothing else to prove it", func(t *testing.T) {
		var faults hub.Faults
		faults.Add(hub.Fault{Times: -1, Do: hub.Without("Content-Range")})
		s := onWeb(t, faults.Handler(nil, body(content, "ETag", `"one"`)), "/x")
		l, err := s.Resolve(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		_, err = read(subject{source: s}, l.Files[0], 5)
		wantReason(t, err, contract.FetchFailed)
	})
}

func TestWebRangeIgnoredAndCut(t *testing.T) {
	var faults hub.Faults
	content := string(text())
	// The whole comes instead of the rest, and breaks before the rest begins: nothing is gained, and nothing lost.
	faults.Add(
		hub.Fault{After: 1, Do: hub.CutAfter(9000)},
		hub.Fault{Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) { // HEAD
			next.ServeHTTP(w, r)
		}},
		hub.Fault{Times: 2, Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			hub.IgnoreRange()(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				hub.CutAfter(500)(w, r, next)
			}))
		}},
	)
	wantFetchedContent(t, onWeb(t, faults.Handler(nil, body(content)), "/x "+digest(text())), nil, content)
}

func TestWebCompressedAnswer(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, "content")
	_ = z.Close()
	h := body(packed.String(), "Content-Encoding", "gzip")
	wantReason(t, resolveAndRead(onWeb(t, h, "/x.jsonl")), contract.InvalidData)
	// Some stores call a packed file's own bytes its encoding.
	wantFetchedContent(t, onWeb(t, h, "/x.jsonl.gz"), nil, packed.String())
}

func TestWebRequestHeaders(t *testing.T) {
	var seen []http.Header
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Clone())
		body("0123456789", "ETag", `"one"`)(w, r)
	})
	s := onWeb(t, h, "/x")
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(subject{source: s}, l.Files[0], 4); err != nil {
		t.Fatal(err)
	}
	want := []http.Header{
		{"User-Agent": {"datasetmix"}, "Accept-Encoding": {"identity"}},
		{"User-Agent": {"datasetmix"}, "Accept-Encoding": {"identity"}, "Range": {"bytes=4-"}, "If-Range": {`"one"`}},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHTTPSNeverFollowsToHTTP(t *testing.T) {
	plain := httptest.NewServer(body("content"))
	t.Cleanup(plain.Close)
	safe := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/y?sig=secret", http.StatusFound))
	t.Cleanup(safe.Close)
	env := environment(newClock())
	env.Network.Transport = safe.Client().Transport
	s := newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: safe.URL + "/x"}}}}, env)
	_, err := s.Resolve(context.Background())
	wantReason(t, err, contract.SourceNotFound)
	if !strings.Contains(err.Error(), "unprotected address "+plain.URL+"/y,") || strings.Contains(err.Error(), "secret") {
		t.Errorf("message %q", err)
	}
}

func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(body("content"))
	server.Close()
	c := newClock()
	u, _ := url.Parse(server.URL)
	spec := recipe.HTTP{URLs: []recipe.HTTPFile{{URL: "http://user:secret@" + u.Host + "/x?key=secret#secret"}}}
	_, err := newSource(t, recipe.Source{HTTP: &spec}, environment(c)).Resolve(context.Background())
	wantReason(t, err, contract.FetchFailed)
	if strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), u.Host+"/x cannot be read") {
		t.Errorf("message %q", err)
	}
	if len(c.waits()) != 5 {
		t.Errorf("waited %d times, want 5", len(c.waits()))
	}
}

func TestNoAnswerInTime(t *testing.T) {
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	env := environment(newClock())
	env.Network.Timeouts = transport.Timeouts{Connect: time.Second, Header: 20 * time.Millisecond}
	env.Reading.Retry.Attempts = 1
	s := newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: server.URL}}}}, env)
	_, err := s.Resolve(context.Background())
	wantReason(t, err, contract.FetchFailed)
	if !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("message %q", err)
	}
}

func TestProgress(t *testing.T) {
	var faults hub.Faults
	faults.Add(hub.Fault{After: 1, Do: hub.CutAfter(7000)})
	server := httptest.NewServer(faults.Handler(nil, body(string(text()), "ETag", `"one"`)))
	t.Cleanup(server.Close)
	env, total := environment(newClock()), int64(0)
	env.Reading.Progress = func(n int64) { total += n }
	s := newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: server.URL}}}}, env)
	if err := resolveAndRead(s); err != nil || total != int64(len(text())) {
		t.Errorf("told of %d bytes, %v", total, err)
	}
}

func TestOpenOfAnUnknownFile(t *testing.T) {
	s := onWeb(t, body("content"), "/x")
	_, err := s.Open(context.Background(), source.File{Path: "http://other/x", Size: -1}, 0)
	wantReason(t, err, contract.InvalidTask)
}

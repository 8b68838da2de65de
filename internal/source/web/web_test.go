package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/source/web"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// opened returns the source of addresses, read with a login.
func opened(t *testing.T, login web.Login, network transport.Options, addresses ...string) (source.Source, error) {
	t.Helper()
	var files []recipe.HTTPFile
	for _, a := range addresses {
		address, sum, _ := strings.Cut(a, " ") // a digest may follow
		files = append(files, recipe.HTTPFile{URL: address, SHA256: sum})
	}
	reading := sources.Options(sources.NewClock())
	client, err := transport.NewClient(network, reading.Retry)
	if err != nil {
		t.Fatal(err)
	}
	kind, err := web.New(recipe.HTTP{URLs: files}, web.Options{Login: login}, client)
	if err != nil {
		return nil, err
	}
	return source.Wrap(kind, reading), nil
}

// onWeb returns the source of paths below a handler's address.
func onWeb(t *testing.T, h http.Handler, paths ...string) source.Source {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	var addresses []string
	for _, path := range paths {
		addresses = append(addresses, server.URL+path)
	}
	s, err := opened(t, web.Login{}, transport.Options{}, addresses...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestListsInTheOrderAskedFor(t *testing.T) {
	sum := sources.Digest([]byte("b"))
	mux := http.NewServeMux()
	mux.Handle("/b.jsonl", sources.Body("b", "ETag", `"one"`))
	mux.Handle("/a.csv", sources.Body("aa", "ETag", `W/"weak"`))
	mux.Handle("/c", sources.Body("ccc", "Last-Modified", "Sat, 01 Aug 2026 12:00:00 GMT", "Date", "Sat, 01 Aug 2026 12:00:00 GMT"))
	mux.Handle("/d", sources.Body("dddd", "Last-Modified", "Sat, 01 Aug 2026 11:59:00 GMT", "Date", "Sat, 01 Aug 2026 12:00:00 GMT"))
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
		if got, err := sources.Read(s, f, 0); err != nil || int64(len(got)) != f.Size {
			t.Errorf("file %d: %q, %v", i, got, err)
		}
	}
}

func TestWithoutHead(t *testing.T) {
	for _, status := range []int{400, 403, 405, 501} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(status)
				return
			}
			sources.Body("content")(w, r)
		})
		s := onWeb(t, h, "/x")
		l, err := s.Resolve(context.Background())
		if err != nil {
			t.Fatalf("HEAD answers %d: %v", status, err)
		}
		if l.Files[0].Size != -1 || l.Files[0].Validator != "" {
			t.Errorf("HEAD answers %d: listed %+v", status, l.Files[0])
		}
		if got, err := sources.Read(s, l.Files[0], 0); err != nil || string(got) != "content" {
			t.Errorf("HEAD answers %d: %q, %v", status, got, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for status, want := range map[int]contract.Reason{
		401: contract.AuthenticationFailed, 407: contract.AuthenticationFailed,
		404: contract.SourceNotFound, 410: contract.SourceNotFound, 418: contract.SourceNotFound,
		304: contract.SourceNotFound, 429: contract.RateLimited, 500: contract.FetchFailed,
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		_, err := onWeb(t, h, "/x?key=hidden").Resolve(context.Background())
		sources.WantReason(t, err, want)
		if strings.Contains(err.Error(), "hidden") {
			t.Errorf("message %q holds the query", err)
		}
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	sources.WantReason(t, sources.ReadAll(onWeb(t, h, "/x")), contract.AuthenticationFailed)
}

func TestChangedFileIsNotMixed(t *testing.T) {
	content := "one one one"
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sources.Body(content, "ETag", `"`+sources.Digest([]byte(content))+`"`)(w, r)
	})
	s := onWeb(t, h, "/x")
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	content = "two two two"
	for _, offset := range []int64{0, 4} {
		_, err := sources.Read(s, l.Files[0], offset)
		sources.WantReason(t, err, contract.FetchFailed)
		if !strings.Contains(err.Error(), "changed since it was listed") {
			t.Errorf("from %d: %v", offset, err)
		}
	}
}

func TestDigestDecidesAndNotTheETag(t *testing.T) {
	n := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++ // a cluster of servers that each make an ETag of their own
		sources.Body("content", "ETag", `"`+strings.Repeat("x", n)+`"`)(w, r)
	})
	s := onWeb(t, h, "/x "+sources.Digest([]byte("content")))
	sources.WantFetched(t, s, []byte("con"), "content")
}

func TestRangesThatCannotBeTrusted(t *testing.T) {
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
				sources.Body(content)(w, r)
			})
			sources.WantFetched(t, onWeb(t, h, "/x "+sources.Digest([]byte(content))), []byte("01234"), content)
		})
	}
	t.Run("416", func(t *testing.T) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			sources.Body(content)(w, r)
		})
		sources.WantFetched(t, onWeb(t, h, "/x "+sources.Digest([]byte(content))), []byte("01234"), content)
	})
	t.Run("416 for a whole part of unknown size", func(t *testing.T) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			sources.Body(content)(w, r)
		})
		sources.WantFetched(t, onWeb(t, h, "/x "+sources.Digest([]byte(content))), []byte(content), content)
	})
	t.Run("no Content-Range, and nothing else to prove it", func(t *testing.T) {
		var faults hub.Faults
		faults.Add(hub.Fault{Times: -1, Do: hub.Without("Content-Range")})
		s := onWeb(t, faults.Handler(nil, sources.Body(content, "ETag", `"one"`)), "/x")
		l, err := s.Resolve(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		_, err = sources.Read(s, l.Files[0], 5)
		sources.WantReason(t, err, contract.FetchFailed)
	})
}

func TestRangeIgnoredAndCut(t *testing.T) {
	var faults hub.Faults
	content := string(sources.Text())
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
	sources.WantFetched(t, onWeb(t, faults.Handler(nil, sources.Body(content)), "/x "+sources.Digest(sources.Text())), nil, content)
}

func TestCompressedAnswer(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, "content")
	_ = z.Close()
	h := sources.Body(packed.String(), "Content-Encoding", "gzip")
	sources.WantReason(t, sources.ReadAll(onWeb(t, h, "/x.jsonl")), contract.InvalidData)
	// Some stores call a packed file's own bytes its encoding.
	sources.WantFetched(t, onWeb(t, h, "/x.jsonl.gz"), nil, packed.String())
}

func TestRequestHeaders(t *testing.T) {
	var seen []http.Header
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Clone())
		sources.Body("0123456789", "ETag", `"one"`)(w, r)
	})
	s := onWeb(t, h, "/x")
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sources.Read(s, l.Files[0], 4); err != nil {
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

func TestOpenOfAnUnknownFile(t *testing.T) {
	s := onWeb(t, sources.Body("content"), "/x")
	_, err := s.Open(context.Background(), source.File{Path: "http://other/x", Size: -1}, 0)
	sources.WantReason(t, err, contract.InvalidTask)
}

// TestNewRefuses: a specification that cannot work is an error before anything is read, and its message holds nothing secret.
func TestNewRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		files []recipe.HTTPFile
		says  string
	}{
		"no addresses":         {nil, "at least one address"},
		"a file address":       {[]recipe.HTTPFile{{URL: "file:///etc/passwd"}}, "Address 1 of the http source"},
		"no address":           {[]recipe.HTTPFile{{URL: "http://a/b"}, {URL: "http://[secret"}}, "Address 2"},
		"a short digest":       {[]recipe.HTTPFile{{URL: "https://a/b?secret", SHA256: "abc"}}, "sha256 of https://a/b is not 64"},
		"an upper-case digest": {[]recipe.HTTPFile{{URL: "https://a/b", SHA256: strings.Repeat("A", 64)}}, "lower-case"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := web.New(recipe.HTTP{URLs: tc.files}, web.Options{}, nil)
			sources.WantReason(t, err, contract.InvalidTask)
			if !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("message %q, want %q and nothing secret", err, tc.says)
			}
		})
	}
}

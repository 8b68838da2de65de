package open_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/testing/artifacts"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// environment returns options without chance and without waiting.
func environment(c *sources.Clock) open.Options {
	return open.Options{Reading: sources.Options(c)}
}

// subject is one source with one file in it, as the suite needs it.
type subject struct {
	source source.Source
	clock  *sources.Clock
	// write puts other content in the file's place.
	write func([]byte)
	// wire is the way of the bytes, where the suite breaks things; nil where there is none.
	wire *wire
	// pinned says that a digest proves the content; continues that a broken transfer can go on where it broke; follows that
	// redirects are followed: else they must be errors.
	pinned, continues, follows bool
	// guarded says that the place itself refuses other bytes than those that were listed; keeps that it goes on serving those
	// after others have taken their place.
	guarded, keeps bool
	// secret is a text that the credentials of the requests hold; empty where there are none.
	secret string
	// doors are the kinds of requests that the way to the bytes begins with; nil is onFile alone.
	doors []hub.Kind
}

func (s subject) fault(do hub.Effect, times int) { s.faultOn(onFile, do, times) }

func (s subject) faultOn(kind hub.Kind, do hub.Effect, times int) {
	s.wire.faults.Add(hub.Fault{On: kind, Times: times, Do: do})
}

// sent returns how many bytes of the file were sent so far; 0 where they are not counted.
func (s subject) sent() int64 {
	if s.wire == nil {
		return 0
	}
	return s.wire.sent.Load()
}

// kind is one kind of source, or a variant that takes another way through the code.
type kind struct {
	name string
	make func(w *wire) subject
	// without are the points that it cannot meet, each with the reason.
	without map[point]string
}

var (
	nothingTells = map[point]string{wrongDigest: "no digest is known, so nothing could tell"}

	kinds = []kind{
		{"hub, large file", func(w *wire) subject { return hubSubject(w, true) }, nil},
		{"hub, small file", func(w *wire) subject { return hubSubject(w, false) }, nil},
		{"web with ETag", func(w *wire) subject { return webSubject(w, webServer{etag: true}) }, nothingTells},
		{"web with digest", func(w *wire) subject { return webSubject(w, webServer{pinned: true}) }, nil},
		{"web with nothing", func(w *wire) subject { return webSubject(w, webServer{}) }, nothingTells},
		{"web with credentials", func(w *wire) subject { return webSubject(w, webServer{etag: true, pinned: true, login: true}) }, nil},
		{"S3 with SHA-256", func(w *wire) subject { return s3Subject(w, s3Kind{checksum: types.ChecksumAlgorithmSha256}) }, unfollowed(nil)},
		{"S3 with versions", func(w *wire) subject {
			return s3Subject(w, s3Kind{checksum: types.ChecksumAlgorithmCrc64nvme, versions: true})
		}, unfollowed(nil)},
		{"S3 in parts", func(w *wire) subject { return s3Subject(w, s3Kind{parts: true}) }, unfollowed(nil)},
		{"S3 with ETag", func(w *wire) subject { return s3Subject(w, s3Kind{checksum: types.ChecksumAlgorithmCrc32}) }, unfollowed(nothingTells)},
		{"Google Cloud Storage", gsSubject, unfollowed(nil)},
		{"Azure Blob Storage", func(w *wire) subject { return azureSubject(w, true) }, unfollowed(nil)},
		{"Azure Blob Storage without MD5", func(w *wire) subject { return azureSubject(w, false) }, unfollowed(nothingTells)},
		{"OCI artifact", func(w *wire) subject { return ociSubject(w, artifacts.Guard{}) }, nil},
		{"OCI artifact behind a token", func(w *wire) subject { return ociSubject(w, artifacts.Guard{Token: true}) }, nil},
		{"volume", volumeSubject, everyPoint("the file is read where it lies")},
	}
)

// unfollowed adds the reason of the stores: what a redirect leads to is seen by whoever follows it.
func unfollowed(other map[point]string) map[point]string {
	out := map[point]string{toMetadata: "no redirect of a store is followed, wherever it leads"}
	maps.Copy(out, other)
	return out
}

const someCommit = "0123456789abcdef0123456789abcdef01234567"

func newSource(t *testing.T, spec recipe.Source, env open.Options) source.Source {
	t.Helper()
	s, err := open.New(spec, env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hubSubject(w *wire, large bool) subject {
	repo := func(content []byte) hub.Repo {
		return hub.Repo{ID: "acme/text", SHA: someCommit, License: "mit", Private: true, Files: map[string]hub.File{
			"README.md": {Content: []byte("read me")}, "data/train.jsonl": {Content: content, LFS: large},
		}}
	}
	standIn := hub.New(hub.Options{Tokens: map[string][]string{"hf_secret": {"*"}}}, repo(sources.Text()))
	bytesOf := hub.KindBlob
	if large {
		bytesOf = hub.KindCDN
	}
	kindOf := func(r *http.Request) hub.Kind {
		switch hub.KindOf(r) {
		case bytesOf:
			return onFile
		case hub.KindResolve:
			return onDoor
		default:
			return ""
		}
	}
	env := w.environment()
	env.Hub.Endpoint, env.Hub.Token = w.serve("hub", kindOf, standIn), "hf_secret"
	standIn.SetCDN(w.serve("cdn", kindOf, standIn))
	spec := recipe.HuggingFace{Repo: "acme/text", Files: []string{"data/*"}}
	return subject{
		source: newSource(w.t, recipe.Source{HuggingFace: &spec}, env), clock: w.clock, wire: w,
		pinned: true, continues: true, follows: true, secret: "secret", doors: []hub.Kind{onDoor, onFile},
		write: func(content []byte) { standIn.Put(repo(content)) }, // a mirror that serves other bytes for the same commit
	}
}

// webServer is what a server of files has, and what is known of its file.
type webServer struct{ etag, pinned, login bool }

func webSubject(w *wire, has webServer) subject {
	content := atomic.Pointer[[]byte]{}
	set := func(b []byte) { content.Store(&b) }
	set(sources.Text())
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if has.login && r.Header.Get("Authorization") != "Bearer top-secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		now := *content.Load()
		if has.etag {
			w.Header().Set("ETag", `"`+sources.Digest(now)[:8]+`"`)
		}
		http.ServeContent(w, r, "train.jsonl", time.Time{}, bytes.NewReader(now))
	})
	env := w.environment()
	if has.login {
		w.opts.tls, env.Web.Login.Token = true, "top-secret" // which is sent over nothing else
	}
	kindOf := func(r *http.Request) hub.Kind {
		if r.Method == http.MethodGet {
			return onFile
		}
		return ""
	}
	file := recipe.HTTPFile{URL: w.serve("files", kindOf, serve) + "/train.jsonl?signature=secret"}
	if has.pinned {
		file.SHA256 = sources.Digest(sources.Text())
	}
	return subject{
		source: newSource(w.t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{file}}}, env),
		clock:  w.clock, wire: w, write: set, pinned: has.pinned, continues: has.pinned || has.etag, follows: true, secret: "secret",
	}
}

func volumeSubject(w *wire) subject {
	t := w.t
	dir := t.TempDir()
	s := subject{clock: w.clock, continues: true}
	written := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.write = func(content []byte) {
		path := filepath.Join(dir, "train.jsonl")
		written = written.Add(time.Second)
		if err := errors.Join(os.WriteFile(path, content, 0o600), os.Chtimes(path, written, written)); err != nil {
			t.Fatal(err)
		}
	}
	s.write(sources.Text())
	env := environment(s.clock)
	env.Volume.Claims = map[string]string{"corpora": dir}
	s.source = newSource(t, recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora"}}, env)
	return s
}

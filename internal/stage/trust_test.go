package stage

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// evilHub returns a Hub whose listing gives a digest of somebody's choice for the large file.
func evilHub(t *testing.T, hub *hub.Hub, digest string) string {
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/tree/") {
			hub.ServeHTTP(out, r)
			return
		}
		answer := httptest.NewRecorder()
		hub.ServeHTTP(answer, r)
		var entries []map[string]any
		if err := json.Unmarshal(answer.Body.Bytes(), &entries); err != nil {
			t.Error(err)
		}
		for _, entry := range entries {
			if lfs, ok := entry["lfs"].(map[string]any); ok {
				lfs["oid"] = digest
			}
		}
		_ = json.NewEncoder(out).Encode(entries)
	}))
	t.Cleanup(server.Close)
	hub.SetCDN(server.URL)
	return server.URL
}

// TestADigestFromAHubIsNoPath: a listing that names a file of somebody else in the place of a digest is refused, and the file stays.
func TestADigestFromAHubIsNoPath(t *testing.T) {
	for _, digest := range []string{"sha256:../../../victim/thesis.tex", "../../other/thesis.tex", "/dev/zero", "../../../../../../dev/zero", strings.Repeat("A", 64), "x"} {
		w := newHubWorld(t)
		endpoint := evilHub(t, w.hub, digest)
		w.worker.Source = func(dataset recipe.Dataset) (source.Source, error) {
			return open.New(dataset.Source, hubOptions(endpoint))
		}
		for _, victim := range []string{"victim", "other"} {
			path := filepath.Join(w.worker.Volume, victim, "thesis.tex")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("thesis"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		w.fails(onHub("main"), contract.InvalidData, "data set sums", "as its SHA-256, which has 64 lower-case hexadecimal digits")
		for _, victim := range []string{"victim", "other"} {
			if got := w.read(victim + "/thesis.tex"); got != "thesis" {
				t.Errorf("%q: the file of somebody else holds %q", digest, got)
			}
		}
	}
}

// TestADigestOfALockIsNoPath, even of one that nobody has judged.
func TestADigestOfALockIsNoPath(t *testing.T) {
	w := newHubWorld(t)
	w.build(onHub("main"))
	lock := w.lock()
	victim := filepath.Join(w.worker.Volume, "victim")
	if err := os.WriteFile(victim, []byte("thesis"), 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range lock.Sources {
		lock.Sources[i].Files = slices.Clone(lock.Sources[i].Files)
		lock.Sources[i].Files[0].SHA256 = "../../victim"
		lock.Sources[i].Digest = revision.OriginalsDigest(lock.Sources[i].Files)
	}
	encoded, err := lock.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := revision.ParseLock(encoded); contract.ReasonOf(err) != contract.InvalidTask {
		t.Errorf("the lock is read: %v", err)
	}
	w.worker.Lock = lock
	if _, err := w.worker.Build(context.Background(), onHub(commitOf(1)), 1, w); err == nil {
		t.Error("a build from such a lock succeeds")
	}
	if got := w.read("victim"); got != "thesis" {
		t.Errorf("the file of somebody else holds %q", got)
	}
}

// onWeb returns a recipe of one data set behind an address without a digest.
func onWeb(address string) recipe.Recipe {
	r := recipes.Two()
	r.Domains = r.Domains[:1]
	r.Domains[0].Datasets = r.Domains[0].Datasets[:1]
	r.Domains[0].Datasets[0].Source = recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: address}}}}
	return r
}

// serves returns a file under one ETag, whoever asks for whatever, and counts those that read it.
func serves(t *testing.T, content string) (address string, reads *int) {
	reads = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("ETag", `"one"`)
		if r.Method == http.MethodGet {
			*reads++
		}
		http.ServeContent(out, r, "", time.Time{}, strings.NewReader(content))
	}))
	t.Cleanup(server.Close)
	return server.URL, reads
}

// by makes the worker ask through a proxy, which sees every request and may answer what it likes.
func (w *world) by(proxy string) {
	w.worker.Source = func(dataset recipe.Dataset) (source.Source, error) {
		var options open.Options
		if proxy != "" {
			address, err := url.Parse(proxy)
			if err != nil {
				return nil, err
			}
			options.Network.Transport = &http.Transport{Proxy: http.ProxyURL(address)}
		}
		return open.New(dataset.Source, options)
	}
}

// TestAMixTrustsNoOtherMixsServers: what a mix was told through a proxy of its own, with the right address, ETag and size, is no
// other mix's.
func TestAMixTrustsNoOtherMixsServers(t *testing.T) {
	honest, evil := recipes.Sums("What is the sum of", 120), recipes.Sums("What is the SUM of", 120)
	address, reads := serves(t, honest)
	proxy, _ := serves(t, evil)
	w := newWorld(t)
	w.by(proxy)
	w.build(elsewhere(onWeb(address + "/sums.jsonl")))
	if !strings.Contains(w.read("other/current/raw/math/sums.jsonl"), "What is the SUM of 1?") || *reads != 0 {
		t.Fatal("the other mix has not asked its proxy")
	}
	w.by("")
	w.build(onWeb(address + "/sums.jsonl"))
	if got := w.read("mix/current/raw/math/sums.jsonl"); strings.Contains(got, "SUM") || *reads != 1 {
		t.Errorf("the honest address was read %d times, and the rows begin with %.200s", *reads, got)
	}
	// The mix itself knows what it was told: a request to look again reads nothing.
	w.build(onWeb(address + "/sums.jsonl").Refreshed("r1"))
	if *reads != 1 {
		t.Errorf("the honest address was read %d times", *reads)
	}
}

// TestPartsOfOtherMixes: what a mix has begun, another goes on with only where a SHA-256 proves the whole.
func TestPartsOfOtherMixes(t *testing.T) {
	part := func(folder string, file source.File) string {
		return downloader{job{folder: revision.Folder(folder), node: pipeline.Node{Key: "key"}}}.partID(file)
	}
	for _, c := range []struct {
		file   source.File
		shared bool
	}{
		{source.File{Path: "a", Size: 9, SHA256: forgery.Digest(nil)}, true},
		{source.File{Path: "a", Size: 9, Validator: `"one"`}, false},
		{source.File{Path: "a", Size: 9, Checksum: "crc64nvme:0011223344556677"}, false},
		{source.File{Path: "a", Size: 9, GitBlob: commitOf(1)}, false},
	} {
		if got := part("mix", c.file) == part("other", c.file); got != c.shared {
			t.Errorf("%+v: shared is %v", c.file, got)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// childRoot is the variable that makes the test's binary a worker in the folders below it.
const childRoot = "DATASETMIX_TEST_POD"

func TestMain(m *testing.M) {
	if root := os.Getenv(childRoot); root != "" {
		p := podBelow(root)
		p.endpoint = os.Getenv("HF_ENDPOINT")
		os.Exit(run(context.Background(), p))
	}
	os.Exit(m.Run())
}

// child returns a worker in a process of its own.
func child(t *testing.T, root, endpoint string) *exec.Cmd {
	worker := exec.CommandContext(t.Context(), os.Args[0])
	worker.Env = append(os.Environ(), childRoot+"="+root, "HF_ENDPOINT="+endpoint)
	worker.Stderr = os.Stderr
	return worker
}

const (
	killSize  = 80 << 20 // of the file
	killAfter = 50 << 20 // bytes that are sent before the server stands still, and the worker is killed
	// what is on its way when a process dies: in buffers of the two ends of a connection, and of the worker
	onItsWay = 12 << 20
)

// killContent returns a text that is nowhere the same.
func killContent() []byte {
	b := make([]byte, killSize)
	for i := range len(b) / 8 {
		b[8*i], b[8*i+1], b[8*i+2], b[8*i+3] = byte(i), byte(i>>8), byte(i>>16), byte(i>>24)
	}
	return b
}

// fileServer is a source of one file with a count of the bytes that it sent.
type fileServer struct {
	source   recipe.Source
	endpoint string
	faults   *hub.Faults
	on       hub.Kind
	sent     func() int64
}

func webOf(pinned bool) func(t *testing.T, content []byte) fileServer {
	return func(t *testing.T, content []byte) fileServer {
		var faults hub.Faults
		counted := &counting{}
		serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"one"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		})
		kindOf := func(r *http.Request) hub.Kind { return hub.Kind(r.Method) }
		handler := faults.Handler(kindOf, serve)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler.ServeHTTP(counted.writer(w), r)
		}))
		t.Cleanup(server.Close)
		file := recipe.HTTPFile{URL: server.URL + "/rows.jsonl"}
		if pinned {
			sum := sha256.Sum256(content)
			file.SHA256 = hex.EncodeToString(sum[:])
		}
		return fileServer{recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{file}}}, "", &faults, http.MethodGet, counted.sum}
	}
}

func hubOf(t *testing.T, content []byte) fileServer {
	standIn := hub.New(hub.Options{}, hub.Repo{ID: "acme/rows", SHA: strings.Repeat("1", 40),
		Files: map[string]hub.File{"rows.jsonl": {Content: content, LFS: true}}})
	spec := recipe.HuggingFace{Repo: "acme/rows", Files: []string{"*.jsonl"}}
	return fileServer{recipe.Source{HuggingFace: &spec}, hub.Start(t, standIn), &standIn.Faults, hub.KindCDN, standIn.Bytes}
}

// counting counts the bytes of bodies.
type counting struct{ n atomic.Int64 }

func (c *counting) sum() int64 { return c.n.Load() }

func (c *counting) writer(w http.ResponseWriter) http.ResponseWriter { return &countedWriter{w, c} }

type countedWriter struct {
	http.ResponseWriter
	to *counting
}

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.to.n.Add(int64(n))
	return n, err
}

func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// TestAKilledDownloadGoesOn: a worker that is killed in the middle of a file leaves what it had; the next one fetches the rest,
// and less than a part of 32 MiB again, where no digest can prove what was left.
func TestAKilledDownloadGoesOn(t *testing.T) {
	content := killContent()
	for _, tc := range []struct {
		name  string
		serve func(t *testing.T, content []byte) fileServer
		again int64 // the most bytes that are fetched again
	}{
		{"a file of a Hub", hubOf, onItsWay},
		{"a file by address with a digest", webOf(true), onItsWay},
		{"a file by address with an ETag", webOf(false), 32<<20 + onItsWay},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server, root := tc.serve(t, content), t.TempDir()
			r := small()
			r.Domains[0].Datasets[0].Source = server.source
			p := podBelow(root)
			p.assignOf(t, r, pipeline.StageDownload, nil)
			server.faults.Add(hub.Fault{On: server.on, Do: hub.StallAfter(killAfter)})

			first := child(t, root, server.endpoint)
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			held := waitForPart(t, p, killAfter-1<<20)
			if err := first.Process.Kill(); err != nil { // SIGKILL: nothing of it runs any more
				t.Fatal(err)
			}
			if err := first.Wait(); err == nil || first.ProcessState.Success() {
				t.Fatal("the worker was not killed")
			}
			if out, err := child(t, root, server.endpoint).Output(); err != nil {
				t.Fatalf("the next worker: %v\n%s", err, out)
			}
			again := server.sent() - killSize
			t.Logf("%d bytes were stored when it was killed, and %d were sent again", held, again)
			if again < 0 || again > tc.again {
				t.Errorf("%d of %d bytes were sent again, want %d at most", again, int64(killSize), tc.again)
			}
			wantOriginal(t, p, content)
		})
	}
}

// waitForPart waits until an unfinished file has a size.
func waitForPart(t *testing.T, p pod, size int64) int64 {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		parts, err := filepath.Glob(filepath.Join(p.volume, revision.CacheFolder, "partial", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			if info, err := os.Stat(part); err == nil && info.Size() >= size {
				return info.Size()
			}
		}
	}
	t.Fatal("the download did not get so far")
	return 0
}

// wantOriginal checks what was reported and what lies in the cache.
func wantOriginal(t *testing.T, p pod, content []byte) {
	t.Helper()
	message := p.report(t)
	if message.Result == nil || message.Result.Download == nil || message.Result.Download.Bytes != int64(len(content)) {
		t.Fatalf("reported %+v", message)
	}
	sum := sha256.Sum256(content)
	got, err := os.ReadFile(filepath.Join(p.volume, revision.CacheFolder, "sha256", hex.EncodeToString(sum[:])))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes in the cache that are others: %v", len(got), err)
	}
}

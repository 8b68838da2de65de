package open_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

func TestFetchKeepsThePartOfATransientFailure(t *testing.T) {
	var faults hub.Faults
	faults.Add(hub.Fault{After: 1, Do: hub.CutAfter(30_000)}, hub.Fault{After: 1, Times: -1, Do: hub.Answer(503)})
	s := onWeb(t, faults.Handler(nil, sources.Body(string(sources.Text()))), "/x "+sources.Digest(sources.Text()))
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(t.TempDir(), "part")
	_, err = sources.FetchTo(context.Background(), s, l.Files[0], part)
	sources.WantReason(t, err, contract.FetchFailed)
	info, err := os.Stat(part)
	if err != nil || info.Size() == 0 || info.Size() > 30_000 {
		t.Fatalf("the part: %v, %v", info, err)
	}
	faults.Clear()
	got, err := sources.FetchTo(context.Background(), s, l.Files[0], part)
	if err != nil || got.Reused != info.Size() || got.SHA256 != sources.Digest(sources.Text()) {
		t.Errorf("fetched %+v, %v; want %d bytes reused", got, err, info.Size())
	}
}

func TestFetchOfAnEmptyFile(t *testing.T) {
	sources.WantFetched(t, onWeb(t, sources.Body(""), "/x"), nil, "")
	sources.WantFetched(t, onWeb(t, sources.Body(""), "/x "+sources.Digest(nil)), []byte("other"), "")
}

func TestFetchEndsWithItsContext(t *testing.T) {
	s := onWeb(t, sources.Body("content"), "/x")
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = sources.FetchTo(ctx, s, l.Files[0], filepath.Join(t.TempDir(), "part"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// zeros is a file of n zero bytes that takes no memory.
type zeros struct{ at, n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.at == z.n {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n-z.at)
	clear(p[:n])
	z.at += n
	return int(n), nil
}

func (z *zeros) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		z.at = offset
	case io.SeekCurrent:
		z.at += offset
	default:
		z.at = z.n + offset
	}
	return z.at, nil
}

func TestFetchTakesConstantMemory(t *testing.T) {
	const size = 64 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "x.bin", time.Time{}, &zeros{n: size})
	}))
	t.Cleanup(server.Close)
	s := newSource(t, recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: server.URL}}}}, environment(sources.NewClock()))
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := sources.FetchTo(context.Background(), s, l.Files[0], filepath.Join(t.TempDir(), "part"))
	runtime.ReadMemStats(&after)
	if err != nil || got.Size != size {
		t.Fatalf("fetched %+v, %v", got, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 { // the stand-in's share included
		t.Errorf("fetching %d bytes allocated %d", size, used)
	}
}

package stage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/faultfs"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

func TestMain(m *testing.M) { os.Exit(faultfs.Main(m)) }

// ending is how a build ended.
type ending struct {
	Reason contract.Reason // "" if well
	Digest string          // of the published revision
	Lacks  []string
	Left   []string // folders and files that nobody works on any more
}

// onVolume builds a mix on another volume than the world's, and ends it if it does not end by itself.
func (w *world) onVolume(volume string, r recipe.Recipe) (ending, error) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	var end ending
	worker := Worker{Volume: volume, Source: w.worker.Source, Lacks: func(what string) {
		name, _, _ := strings.Cut(what, " (")
		end.Lacks = append(end.Lacks, name)
	}}
	results, err := worker.Build(ctx, r, 2, w)
	if ctx.Err() != nil {
		w.t.Fatalf("the build did not end by itself: %v", err)
	}
	if err != nil {
		end.Reason = contract.ReasonOf(err)
		return end, err
	}
	graph, err := pipeline.Walk(r, results)
	if err != nil {
		w.t.Fatal(err)
	}
	end.Digest = graph.Published.Digest
	end.Left = remains(w.t, volume)
	return end, nil
}

// remains lists what is being written or removed on a volume.
func remains(t *testing.T, volume string) []string {
	t.Helper()
	var left []string
	err := filepath.WalkDir(volume, func(path string, _ os.DirEntry, err error) error {
		switch name := filepath.Base(path); {
		case err != nil:
			return err
		case name != revision.CacheFolder && name != ".stages" && name != ".known" && strings.HasPrefix(name, "."), strings.HasSuffix(name, ".next"):
			left = append(left, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// TestBuildsOnVolumesThatLack: on a volume that lacks what a build needs, the build fails before it begins, with the reason; on one that
// lacks what a build can do without, it reports that and publishes the same bytes. Neither leaves anything that would disturb a later build.
func TestBuildsOnVolumesThatLack(t *testing.T) {
	good := filled(t)
	want, err := good.onVolume(t.TempDir(), recipes.Two())
	if err != nil {
		t.Fatal(err)
	}
	without := func(lacks ...string) ending { return ending{Digest: want.Digest, Lacks: lacks} }
	for fault, want := range map[string]ending{
		"symlink=EPERM":    {Reason: contract.VolumeUnsuitable},
		"symlink=ENOTSUP":  {Reason: contract.VolumeUnsuitable},
		"symlink=ENOSYS":   {Reason: contract.VolumeUnsuitable},
		"rename=ENOSYS":    {Reason: contract.VolumeUnsuitable},
		"change=EROFS":     {Reason: contract.VolumeUnsuitable},
		"change=ENOSPC":    {Reason: contract.InsufficientStorage},
		"link=EPERM":       without("no hard links"),
		"link=ENOTSUP":     without("no hard links"),
		"link=EIO":         without("no hard links"),
		"link=EACCES":      without("no hard links"),
		"link=EINVAL":      without("no hard links"),
		"flock=ENOLCK":     without("no locks on files"),
		"flock=ENOTSUP":    without("no locks on files"),
		"exclusive=EBADF":  without(),
		"fsyncdir=EINVAL":  without("folders cannot be brought to the disk"),
		"fsyncdir=ENOTSUP": without("folders cannot be brought to the disk"),
		"chmod=EPERM":      without("files cannot be made read-only"),
		"utimes=EPERM":     without(),
		"inodes":           without("a file has another inode number each time"),
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := filled(t)
			volume := t.TempDir()
			got, err := w.onVolume(faultfs.Mount(t, volume, fault), recipes.Two())
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%v\n(-want +got):\n%s", err, diff)
			}
			if after, err := w.onVolume(volume, recipes.Two()); after.Digest != good.digestOf(t, recipes.Two()) || after.Left != nil {
				t.Errorf("afterwards, without the fault: %+v, %v", after, err)
			}
		})
	}
}

// digestOf returns the digest of what a recipe publishes where nothing lacks.
func (w *world) digestOf(t *testing.T, r recipe.Recipe) string {
	t.Helper()
	end, err := (&world{t: t, worker: w.worker, claims: w.claims}).onVolume(t.TempDir(), r)
	if err != nil {
		t.Fatal(err)
	}
	return end.Digest
}

// TestAnErrorOfTheStorageAnywhere is one that may pass: it is never said that the files are wrong, and the same build then goes on to the
// same bytes.
func TestAnErrorOfTheStorageAnywhere(t *testing.T) {
	want := filled(t).digestOf(t, recipes.Two())
	var failed atomic.Int64
	t.Run("faults", func(t *testing.T) { // which ends when all of them have
		for operation, calls := range map[string][]int{
			"read": {1, 8, 32}, "write": {5, 20, 60}, "fsync": {2, 20, 40}, "fsyncdir": {3, 40}, "create": {6, 40}, "mkdir": {4, 20}, "rename": {6, 9, 12},
			"unlink": {10}, "lookup": {40, 400}, "open": {5, 20, 60},
		} {
			for _, call := range calls {
				fault := fmt.Sprintf("%s=EIO@%d", operation, call)
				t.Run(fault, func(t *testing.T) {
					t.Parallel()
					w := filled(t)
					volume := t.TempDir()
					faulty := faultfs.Mount(t, volume, fault)
					got, err := w.onVolume(faulty, recipes.Two())
					if err != nil {
						failed.Add(1)
						if contract.ReasonOf(err) != contract.VolumeIOError {
							t.Errorf("%s: %v", contract.ReasonOf(err), err)
						}
						if got, err = w.onVolume(faulty, recipes.Two()); err != nil {
							t.Fatalf("the next build: %v", err)
						}
					}
					if got.Digest != want || got.Left != nil {
						t.Errorf("ended as %+v, want digest %s and nothing left", got, want)
					}
				})
			}
		}
	})
	t.Logf("%d builds failed", failed.Load())
	if failed.Load() < 10 {
		t.Errorf("%d builds failed: that says little", failed.Load())
	}
}

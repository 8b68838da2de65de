package stage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/volume"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// processVariable makes TestAWorkerInAProcess the worker of one download: it names the volume and the recipe's file.
const processVariable = "DATASETMIX_TEST_DOWNLOAD"

// TestAWorkerInAProcess is no test but the worker that the tests below start, and kill.
func TestAWorkerInAProcess(t *testing.T) {
	w, r := inAProcess(t, processVariable)
	for _, unit := range pipeline.Downloads(r) {
		if _, err := w.Run(context.Background(), Job{Recipe: r, Stage: pipeline.StageDownload, Unit: unit}); err != nil {
			t.Fatal(err)
		}
	}
}

// inAProcess returns what a test that startProcess started works on. Started as any other test, it is passed over.
func inAProcess(t *testing.T, variable string) (Worker, recipe.Recipe) {
	t.Helper()
	root, file, ok := strings.Cut(os.Getenv(variable), "\n")
	if !ok {
		t.Skip("only the tests of processes run this")
	}
	encoded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r recipe.Recipe
	if err := json.Unmarshal(encoded, &r); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(begun(file), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return Worker{Volume: root, Source: func(dataset recipe.Dataset) (source.Source, error) {
		return open.New(dataset.Source, open.Options{Volume: volume.Options{Claims: map[string]string{"corpora": os.Getenv(claimVariable)}}})
	}}, r
}

// startProcess starts a test of this package as a process of its own, and names the file that is there once its work begins.
func startProcess(t *testing.T, test, variable, volume string, r recipe.Recipe) (process *exec.Cmd, out *bytes.Buffer, start string) {
	t.Helper()
	encoded, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "recipe.json")
	if err := os.WriteFile(file, encoded, 0o644); err != nil {
		t.Fatal(err)
	}
	process, out = exec.Command(os.Args[0], "-test.run=^"+test+"$"), &bytes.Buffer{}
	process.Env = append(os.Environ(), variable+"="+volume+"\n"+file)
	process.Stdout, process.Stderr = out, out
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	return process, out, begun(file)
}

// begun returns the file that a worker makes when its process has started and its work begins.
func begun(recipeFile string) string { return recipeFile + ".begun" }

// files are what a slow server gives, by path, and how many bytes of them it gave.
type files struct {
	content map[string][]byte
	pause   time.Duration // after each piece
	sent    atomic.Int64
}

const piece = 8 << 10

func (f *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, ok := f.content[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	sum := sha256.Sum256(content)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	http.ServeContent(&slowly{w, f}, r, "", time.Time{}, bytes.NewReader(content))
}

// slowly sends in pieces.
type slowly struct {
	http.ResponseWriter
	of *files
}

func (s *slowly) Write(p []byte) (int, error) {
	written := 0
	for part := range slices.Chunk(p, piece) {
		n, err := s.ResponseWriter.Write(part)
		written += n
		s.of.sent.Add(int64(n))
		if err != nil {
			return written, err
		}
		if flusher, ok := s.ResponseWriter.(http.Flusher); ok {
			flusher.Flush()
		}
		time.Sleep(s.of.pause)
	}
	return written, nil
}

// served returns a recipe of so many files on a slow server, half of them pinned by their digest.
func served(t *testing.T, count, size int, pause time.Duration) (*files, recipe.Recipe) {
	from := &files{content: map[string][]byte{}, pause: pause}
	server := httptest.NewServer(from)
	t.Cleanup(server.Close)
	random := rand.New(rand.NewPCG(1, 2))
	web := &recipe.HTTP{}
	for i := range count {
		content := make([]byte, size)
		for j := range content {
			content[j] = byte(random.Uint32())
		}
		name := fmt.Sprintf("/%d.jsonl", i)
		from.content[name] = content
		file := recipe.HTTPFile{URL: server.URL + name}
		if i%2 == 0 {
			sum := sha256.Sum256(content)
			file.SHA256 = hex.EncodeToString(sum[:])
		}
		web.URLs = append(web.URLs, file)
	}
	r := recipes.Two()
	r.Domains = []recipe.Domain{{Name: "math", Share: 1, Datasets: []recipe.Dataset{{Name: "sums", Source: recipe.Source{HTTP: web}}}}}
	return from, r
}

// workerProcess starts a process that downloads a recipe's sources.
func workerProcess(t *testing.T, volume string, r recipe.Recipe) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	worker, out, _ := workerWithStart(t, volume, r)
	return worker, out
}

// workerWithStart names the file, too, that is there once the worker's work begins.
func workerWithStart(t *testing.T, volume string, r recipe.Recipe) (worker *exec.Cmd, out *bytes.Buffer, start string) {
	t.Helper()
	return startProcess(t, "TestAWorkerInAProcess", processVariable, volume, r)
}

// wholeCache fails when anything in the cache is not what its name says, and gives how many originals there are.
func wholeCache(t *testing.T, volume string) int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(volume, revision.CacheFolder, "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != filepath.Base(name) {
			t.Fatalf("%s holds %d bytes of something else", name, len(content))
		}
	}
	return len(names)
}

// wholeUnits fails when a unit that stands under its name lists, or links, anything but the files of the server.
func wholeUnits(t *testing.T, volume string, r recipe.Recipe, from *files) (units int) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(volume, r.Output.Path, ".stages", "download", "[0-9a-f]*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		for i, file := range r.Domains[0].Datasets[0].Source.HTTP.URLs {
			got, err := os.ReadFile(filepath.Join(folder, originalPath(i)))
			if want := from.content[file.URL[strings.LastIndex(file.URL, "/"):]]; err != nil || !bytes.Equal(got, want) {
				t.Fatalf("file %d of a finished unit has %d bytes, want %d (%v)", i, len(got), len(want), err)
			}
		}
	}
	return len(folders)
}

// await returns when a file is there.
func await(t *testing.T, file string) {
	t.Helper()
	for range 60_000 {
		if _, err := os.Stat(file); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s is not there after a minute", file)
}

// workTime returns how long a worker that nobody kills works, its start left out.
func workTime(t *testing.T, r recipe.Recipe) time.Duration {
	t.Helper()
	worker, out, start := workerWithStart(t, t.TempDir(), r)
	await(t, start)
	began := time.Now()
	if err := worker.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return time.Since(began)
}

// TestAWorkerKilledAnywhere leaves nothing half-made under a name that counts: a process is killed, again and again, at any
// moment of its work, and the next goes on where it was. Of large files on a slow server most of the work is the transfer, of
// many small ones it is giving them their places.
func TestAWorkerKilledAnywhere(t *testing.T) {
	const kills = 50
	for what, c := range map[string]struct {
		count, size int
		pause       time.Duration
	}{"large files": {6, 200_000, time.Millisecond}, "small files": {60, 500, 0}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			from, r := served(t, c.count, c.size, c.pause)
			random := rand.New(rand.NewPCG(3, 4))
			whole := workTime(t, r) // however busy this machine is
			killed, grown := 0, 0
			for round := 0; killed < kills && round < 10*kills; round++ { // many end before they are killed
				volume, last := t.TempDir(), 0
				for killed < kills && wholeUnits(t, volume, r, from) == 0 {
					worker, _, start := workerWithStart(t, volume, r)
					await(t, start)
					time.Sleep(time.Duration(random.Int64N(int64(whole))))
					_ = worker.Process.Kill() // it may have ended
					if worker.Wait() != nil {
						killed++
					}
					if there := wholeCache(t, volume); there > last {
						grown++
						last = there
					}
				}
				endsWell(t, volume, r, from)
			}
			if killed < kills || grown == 0 {
				t.Errorf("%d workers were killed, and the cache grew %d times: that says little", killed, grown)
			}
			t.Logf("%d workers were killed, and the cache grew %d times", killed, grown)
		})
	}
}

// endsWell runs a worker to its end, and finds everything there and nothing else.
func endsWell(t *testing.T, volume string, r recipe.Recipe, from *files) {
	t.Helper()
	worker, out := workerProcess(t, volume, r)
	if err := worker.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if originals, units := wholeCache(t, volume), wholeUnits(t, volume, r, from); originals != len(from.content) || units != 1 {
		t.Errorf("%d originals and %d units, want %d and 1", originals, units, len(from.content))
	}
	left, err := filepath.Glob(filepath.Join(volume, revision.CacheFolder, "partial", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestTwoWorkersAtOnce write the same originals at the same time, of two mixes on one volume, while a third trims: each ends
// well, and there is one of each original.
func TestTwoWorkersAtOnce(t *testing.T) {
	from, r := served(t, 6, 50_000, time.Millisecond)
	volume := t.TempDir()
	mixes := []recipe.Recipe{r, elsewhere(r), bounded(elsewhere(r), 1)}
	mixes[2].Output.Path = "third"
	var workers []*exec.Cmd
	var outs []*bytes.Buffer
	for _, mix := range mixes {
		worker, out := workerProcess(t, volume, mix)
		workers, outs = append(workers, worker), append(outs, out)
	}
	for i, worker := range workers {
		if err := worker.Wait(); err != nil {
			t.Errorf("worker %d: %v\n%s", i, err, outs[i])
		}
	}
	for _, mix := range mixes {
		if units := wholeUnits(t, volume, mix, from); units != 1 {
			t.Errorf("mix %s has %d units", mix.Output.Path, units)
		}
	}
	if originals := wholeCache(t, volume); originals != 6 {
		t.Errorf("%d originals, want 6", originals)
	}
	before := from.sent.Load()
	late := elsewhere(r)
	late.Output.Path = "late"
	worker, out := workerProcess(t, volume, late)
	if err := worker.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var alone int64 // bytes of files of which only their server says that they are the same
	for _, file := range r.Domains[0].Datasets[0].Source.HTTP.URLs {
		if file.SHA256 == "" {
			alone += int64(len(from.content[file.URL[strings.LastIndex(file.URL, "/"):]]))
		}
	}
	if sent := from.sent.Load() - before; sent != alone {
		t.Errorf("a later mix over the same sources downloaded %d bytes, want the %d that no digest proves", sent, alone)
	}
	if diff := cmp.Diff(6, wholeCache(t, volume)); diff != "" {
		t.Error(diff)
	}
}

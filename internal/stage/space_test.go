package stage

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// buildVariable makes TestABuildInAProcess a build: it names the volume and the recipe's file.
const buildVariable = "DATASETMIX_TEST_BUILD"

// claimVariable names the folder of the claim that a process reads.
const claimVariable = "DATASETMIX_TEST_CLAIM"

// TestABuildInAProcess is no test but the build that the test below starts, and kills.
func TestABuildInAProcess(t *testing.T) {
	worker, r := inAProcess(t, buildVariable)
	w := &world{t: t, worker: worker}
	w.build(r)
}

// edits makes one recipe after another of a mix, as people do: another seed, ratio, source, or two of them.
type edits struct {
	t      *testing.T
	claim  string
	random *rand.Rand
	server *httptest.Server
	files  *files
	now    recipe.Recipe
	made   int
}

func newEdits(t *testing.T) *edits {
	e := &edits{t: t, claim: t.TempDir(), random: rand.New(rand.NewPCG(5, 6)), files: &files{content: map[string][]byte{}, pause: time.Millisecond}, now: recipes.Two()}
	e.server = httptest.NewServer(e.files)
	t.Cleanup(e.server.Close)
	t.Setenv(claimVariable, e.claim)
	e.now.Output.KeepRevisions = 2
	for d := range e.now.Domains {
		for s := range e.now.Domains[d].Datasets {
			e.renew(&e.now.Domains[d].Datasets[s])
		}
	}
	return e
}

// renew replaces a data set's source by two new files of a server, or by one at hand.
func (e *edits) renew(dataset *recipe.Dataset) {
	dataset.Record.Preset = "gsm8k"
	if e.random.IntN(2) == 0 {
		e.made++
		name := fmt.Sprintf("%s-%d.jsonl", dataset.Name, e.made)
		rows := recipes.Sums(fmt.Sprintf("%s in version %d of", dataset.Name, e.made), 1000+e.random.IntN(9000))
		if err := os.WriteFile(filepath.Join(e.claim, name), []byte(rows), 0o644); err != nil {
			e.t.Fatal(err)
		}
		dataset.Source = recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: name}}
		return
	}
	var urls []recipe.HTTPFile
	for range 2 {
		e.made++
		name := fmt.Sprintf("/%s-%d.jsonl", dataset.Name, e.made)
		e.files.content[name] = []byte(recipes.Sums(fmt.Sprintf("%s in version %d of", dataset.Name, e.made), 1000+e.random.IntN(2000)))
		urls = append(urls, recipe.HTTPFile{URL: e.server.URL + name})
	}
	dataset.Source = recipe.Source{HTTP: &recipe.HTTP{URLs: urls}}
}

// next returns the recipe after an edit; those before stay what they are.
func (e *edits) next() recipe.Recipe {
	e.now = reversed(reversed(e.now)) // a copy
	domain := &e.now.Domains[e.random.IntN(len(e.now.Domains))]
	switch e.random.IntN(3) {
	case 0:
		e.now.Seed++
	case 1:
		domain.Share++
	case 2:
		e.renew(&domain.Datasets[e.random.IntN(len(domain.Datasets))])
	}
	return e.now
}

// start starts a build in a process, and returns once it works.
func (e *edits) start(volume string, r recipe.Recipe) (*exec.Cmd, *bytes.Buffer) {
	e.t.Helper()
	command, out, start := startProcess(e.t, "TestABuildInAProcess", buildVariable, volume, r)
	await(e.t, start)
	return command, out
}

// build builds to the end, in a process.
func (e *edits) build(volume string, r recipe.Recipe) {
	e.t.Helper()
	command, out := e.start(volume, r)
	if err := command.Wait(); err != nil {
		e.t.Fatalf("%v\n%s", err, out)
	}
}

// used returns what the files below a folder take, one of several names once.
func used(t *testing.T, folder string) int64 {
	t.Helper()
	var bytes int64
	seen := map[uint64]bool{}
	err := filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat := info.Sys().(*syscall.Stat_t); !seen[stat.Ino] {
			seen[stat.Ino] = true
			bytes += 512 * stat.Blocks
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// TestSpaceComesBack: of 50 builds of a mix that is edited again and again, 30 are killed at any moment. Then the volume has what a new
// one has on which only the kept revisions were built, within 1 %, and nothing else.
func TestSpaceComesBack(t *testing.T) {
	const builds, kills = 50, 30
	e := newEdits(t)
	volume := t.TempDir()
	first, out := e.start(volume, e.now)
	began := time.Now()
	if err := first.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole := time.Since(began)
	published := []recipe.Recipe{e.now}
	killed, finished, peak := 0, 1, int64(0)
	for killed < kills || finished < builds-kills {
		r := e.next()
		command, out := e.start(volume, r)
		if killed < kills && e.random.IntN(3) > 0 {
			time.Sleep(time.Duration(e.random.Int64N(int64(whole))))
			_ = command.Process.Kill() // it may have ended
		}
		switch err := command.Wait(); {
		case err == nil:
			finished++
			published = append(published, r)
		case command.ProcessState.Exited():
			t.Fatalf("%v\n%s", err, out)
		default:
			killed++
		}
		peak = max(peak, used(t, volume))
	}
	for range 2 { // what is kept is in the order in which it was built
		r := e.next()
		e.build(volume, r)
		published = append(published, r)
	}
	fresh := t.TempDir()
	for _, r := range published[len(published)-2:] {
		e.build(fresh, r)
	}
	have, want := used(t, volume), used(t, fresh)
	t.Logf("%d builds were killed, %d were not; the volume has %d bytes, its kept revisions need %d; at the most it had %d", killed, len(published), have, want, peak)
	if 100*have > 101*want || 101*have < 100*want {
		t.Errorf("the volume has %d bytes, what is kept needs %d", have, want)
	}
	for _, left := range remains(t, volume) {
		if !strings.HasPrefix(filepath.Base(left), ".writing-") { // a small file, which goes after an hour
			t.Errorf("left behind: %s", left)
		}
	}
}

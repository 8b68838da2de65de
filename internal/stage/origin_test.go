package stage

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

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

// hubWorld is a world whose data sets lie on a Hub, which counts what is asked of it.
type hubWorld struct {
	*world
	hub *hub.Hub
}

// commitOf returns the n-th commit of the test's repository.
func commitOf(n int) string { return fmt.Sprintf("%040x", n) }

func newHubWorld(t *testing.T) hubWorld {
	w := hubWorld{newWorld(t), hub.New(hub.Options{})}
	w.asks(w.hub)
	w.commit(1, 120)
	return w
}

// hubOptions returns the options of sources on a Hub.
func hubOptions(endpoint string) (o open.Options) {
	o.Hub.Endpoint = endpoint
	return o
}

// asks has the worker ask a Hub from now on.
func (w hubWorld) asks(standIn *hub.Hub) {
	endpoint := hub.Start(w.t, standIn)
	w.worker.Source = func(dataset recipe.Dataset) (source.Source, error) {
		return open.New(dataset.Source, hubOptions(endpoint))
	}
}

// commit makes main a commit with a large file of so many sums, and two small ones, one of which never changes.
func (w hubWorld) commit(n, rows int) {
	w.hub.Put(hub.Repo{ID: "acme/rows", SHA: commitOf(n), License: "mit", Files: map[string]hub.File{
		"sums.jsonl":     {Content: []byte(recipes.Sums("What is the sum of", rows)), LFS: true},
		"products.jsonl": {Content: []byte(recipes.Sums("What is the product of", 61))},
		"facts.jsonl":    {Content: []byte(recipes.Facts(300))},
	}})
}

// onHub returns two with every data set on the Hub, at a revision.
func onHub(revision string) recipe.Recipe {
	r := recipes.Two()
	for d := range r.Domains {
		for i := range r.Domains[d].Datasets {
			dataset := &r.Domains[d].Datasets[i]
			dataset.Source = recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "acme/rows", Revision: revision, Files: []string{dataset.Name + ".jsonl"}}}
		}
	}
	return r
}

// jobs builds a recipe as a cluster does: every unit in a worker of its own, durable before the next. It gives the units that
// were run, and the graph; again is a request to build what is finished, too.
func (w *world) jobs(r recipe.Recipe, results map[string]pipeline.Result, again string) ([]string, pipeline.Graph) {
	w.t.Helper()
	var ran []string
	for {
		graph, err := pipeline.Walk(r, results)
		if err != nil {
			w.t.Fatal(err)
		}
		step := graph.Next()
		if step == nil {
			return ran, graph
		}
		for _, unit := range step.Missing {
			result, err := w.worker.Run(context.Background(), Job{Recipe: r, Results: results, Stage: step.Stage, Unit: unit, Again: again})
			if err != nil {
				w.t.Fatal(err)
			}
			results[unit.Key] = result
			ran = append(ran, string(step.Stage)+" "+unit.Name)
		}
	}
}

// cached returns the sizes of the originals in the cache.
func (w *world) cached() (files int, bytes int64) {
	w.t.Helper()
	entries, err := os.ReadDir(filepath.Join(w.worker.Volume, revision.CacheFolder, "sha256"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			w.t.Fatal(err)
		}
		files++
		bytes += info.Size()
	}
	return files, bytes
}

// unitsOf lists the folders of a stage's units.
func (w *world) unitsOf(stage pipeline.Stage) []string {
	w.t.Helper()
	folders, err := filepath.Glob(filepath.Join(w.worker.Volume, "mix", ".stages", string(stage), "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return folders
}

func (w *world) lock() revision.Lock {
	w.t.Helper()
	lock, err := revision.ParseLock([]byte(w.read("mix/current/lock.json")))
	if err != nil {
		w.t.Fatal(err)
	}
	return lock
}

// TestTheLockSaysWhatWasFetched: request, commit, files, rows and licence of every source.
func TestTheLockSaysWhatWasFetched(t *testing.T) {
	w := newHubWorld(t)
	graph := w.build(onHub("main"))
	sum, ok := w.lock().Source("sums")
	if !ok {
		t.Fatal("sums is not in the lock")
	}
	content := recipes.Sums("What is the sum of", 120)
	if sum.Revision != commitOf(1) || sum.License != "mit" || sum.Rows != 120 || sum.Bytes != int64(len(content)) || sum.Request.HuggingFace.Revision != "main" ||
		len(sum.Files) != 1 || sum.Files[0].Path != "sums.jsonl" || sum.Files[0].Size != int64(len(content)) || sum.Digest != revision.OriginalsDigest(sum.Files) {
		t.Errorf("the lock says %+v", sum)
	}
	if err := forgery.Check(filepath.Join(w.worker.Volume, "mix", "revisions", graph.Published.Revision)); err != nil {
		t.Error(err)
	}
}

// TestVerifyFindsAForgedLock, even one that the manifest lists with its digest.
func TestVerifyFindsAForgedLock(t *testing.T) {
	edit := func(old, new string) func(*testing.T, string, *revision.Manifest) {
		return func(t *testing.T, folder string, _ *revision.Manifest) {
			forgery.Change(t, filepath.Join(folder, revision.LockFile), func(content []byte) []byte {
				return []byte(strings.Replace(string(content), old, new, 1))
			})
		}
	}
	want := "lock.json does not say what the manifest says of the sources"
	forgery.WantFound(t, func(t *testing.T) string {
		w := newHubWorld(t)
		return w.revision(onHub("main"))
	}, map[string]forgery.Case{
		"another commit":         {edit(commitOf(1), commitOf(2)), want},
		"another licence":        {edit("mit", "apache-2.0"), want},
		"another number of rows": {edit(`"rows": 120`, `"rows": 121`), want},
		"another request":        {edit(`"main"`, `"next"`), want},
		"one byte more":          {edit("{\n", "{ \n"), want},
	})
}

// TestARevisionWithoutALock, of a release before there was one, is still proved.
func TestARevisionWithoutALock(t *testing.T) {
	w := newHubWorld(t)
	folder := w.revision(onHub("main"))
	forgery.Forge(t, folder, forgery.Without(revision.LockFile), forgery.ToldAgain)
	if err := forgery.Check(folder); err != nil {
		t.Error(err)
	}
}

// TestBuildByALock: after the branch has moved, the lock of an earlier revision gives that revision again, to the byte.
func TestBuildByALock(t *testing.T) {
	w := newHubWorld(t)
	first := w.build(onHub("main")).Published
	lock := w.lock()
	w.commit(2, 90)

	other := newWorld(t)
	other.worker.Source = w.worker.Source
	if moved := other.build(onHub("main")).Published.Revision; moved == first.Revision {
		t.Fatal("the branch has moved, and the revision is the same")
	}
	other.worker.Lock = lock // the finished download of the newer commit does not count
	if again := other.build(onHub("main")).Published; again.Revision != first.Revision || again.Digest != first.Digest {
		t.Errorf("by the lock: %+v, want %+v", again, first)
	}
	other.worker.Lock = revision.Lock{} // what was locked stays until something is asked for anew
	if again := other.build(onHub("main")).Published; again.Revision != first.Revision {
		t.Errorf("after the lock: revision %s, want %s", again.Revision, first.Revision)
	}
}

// TestALockThatCannotBeMet is refused before anything is fetched or published.
func TestALockThatCannotBeMet(t *testing.T) {
	w := newHubWorld(t)
	first := w.build(onHub("main")).Published.Revision
	for what, c := range map[string]struct {
		change func(*revision.LockedSource)
		want   string
	}{
		"other bytes":   {func(s *revision.LockedSource) { s.Files[0].Size++ }, "file 1 of the lock is sums.jsonl"},
		"another file":  {func(s *revision.LockedSource) { s.Files[0].Path = "gone.jsonl" }, "file 1 of the lock is gone.jsonl"},
		"one file more": {func(s *revision.LockedSource) { s.Files = append(s.Files, s.Files[0]) }, "the lock has 2 files, and the source now has 1"},
	} {
		lock := w.lock()
		i := slices.IndexFunc(lock.Sources, func(s revision.LockedSource) bool { return s.Name == "sums" })
		c.change(&lock.Sources[i])
		lock.Sources[i].Digest = revision.OriginalsDigest(append(lock.Sources[i].Files, pipeline.OriginalFile{}))
		w.worker.Lock = lock
		w.hub.ResetCounts()
		t.Log(what)
		w.fails(onHub("main"), contract.SourceDrifted, "data set sums", c.want)
		if w.hub.Downloads() != 0 || w.current() != first {
			t.Errorf("%s: %d downloads, current is %s", what, w.hub.Downloads(), w.current())
		}
	}
}

// TestExpect: a source that holds something else is refused with what was expected and found, and correcting the expectation
// neither downloads nor splits anything again.
func TestExpect(t *testing.T) {
	w := newHubWorld(t)
	r := onHub("main")
	expect := func(e *recipe.Expect) { r.Domains[0].Datasets[0].Source.Expect = e }
	first := w.build(r).Published.Revision
	sum, _ := w.lock().Source("sums")
	wrong := strings.Repeat("0", 64)

	expect(&recipe.Expect{SHA256: wrong})
	w.fails(r, contract.SourceDrifted, "the source of sums has drifted: the SHA-256 "+wrong+" was expected, and "+sum.Digest+" was found", "source.expect")
	expect(&recipe.Expect{Rows: 121})
	w.fails(r, contract.SourceDrifted, "the number of rows 121 was expected, and 120 was found")
	expect(&recipe.Expect{Rows: 120, SHA256: sum.Digest})
	w.hub.ResetCounts()
	if got := w.build(r).Published.Revision; got != first {
		t.Errorf("what is met changes the revision from %s to %s", first, got)
	}
	if counts := w.hub.Counts(); len(counts) != 0 {
		t.Errorf("an expectation asks the Hub: %v", counts)
	}
	if got := len(w.unitsOf(pipeline.StageSplit)); got != 3 {
		t.Errorf("%d split units, want one for each data set", got)
	}

	// The branch moves, and somebody asks: what was published stays.
	w.commit(2, 90)
	w.fails(r.Refreshed("r1"), contract.SourceDrifted, "sums", sum.Digest)
	if w.current() != first {
		t.Errorf("current is %s, want %s", w.current(), first)
	}
}

// TestExpectOfAProbe: nobody but the split counts its rows.
func TestExpectOfAProbe(t *testing.T) {
	w := newHubWorld(t)
	r := onHub("main")
	r.Decontaminate = &recipe.Decontaminate{Against: []recipe.Probe{{
		Name: "probe", Source: r.Domains[0].Datasets[1].Source, Preset: "gsm8k",
	}}}
	r.Domains[0].Datasets = r.Domains[0].Datasets[:1]
	r.Decontaminate.Against[0].Source.Expect = &recipe.Expect{Rows: 60}
	w.fails(r, contract.SourceDrifted, "probe", "the number of rows 60 was expected, and at least 61 was found")
	r.Decontaminate.Against[0].Source.Expect = &recipe.Expect{Rows: 61}
	w.build(r)
	if locked, ok := w.lock().Source("probe"); !ok || locked.Rows != 0 || locked.Files[0].Path != "products.jsonl" {
		t.Errorf("the lock says %+v of the probe", locked)
	}
}

// TestListedFilesFitIntoAMessage, however many there are and however they are called.
func TestListedFilesFitIntoAMessage(t *testing.T) {
	var files []pipeline.OriginalFile
	random := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		var name []rune
		for range 400 {
			name = append(name, rune(0x4e00+random.IntN(0x5000)))
		}
		digest := make([]byte, 32)
		for i := range digest {
			digest[i] = byte(random.Uint32())
		}
		files = append(files, pipeline.OriginalFile{Path: string(name) + "/tail.parquet", Size: random.Int64(), SHA256: hex.EncodeToString(digest)})
	}
	listed := forPeople(files)
	for i, file := range listed {
		if !utf8.ValidString(file.Path) || len(file.Path) > longestPath || !strings.HasPrefix(file.Path, "…") || !strings.HasSuffix(file.Path, "/tail.parquet") {
			t.Errorf("file %d is listed as %q", i, file.Path)
		}
	}
	message := contract.Message{Stage: pipeline.StageDownload, Node: pipeline.Node{Name: strings.Repeat("n", 40), Key: files[0].SHA256}, Result: &pipeline.Result{
		Download: &pipeline.DownloadResult{Revision: commitOf(1), License: strings.Repeat("l", 200), Files: 100, Bytes: 1 << 60, Digest: files[1].SHA256, Listed: listed},
	}}
	if encoded, err := message.Encode(); err != nil || len(listed) != mostListed {
		t.Errorf("%d files in %d bytes: %v", len(listed), len(encoded), err)
	}
	if got := forPeople(files[:1]); len(got) != 1 || got[0].SHA256 != files[0].SHA256 {
		t.Errorf("one file is listed as %+v", got)
	}
}

// A data set with a license that the policy does not name is refused before a file of it is asked for; what was downloaded before the policy
// is not read.
func TestLicenseThatIsRefused(t *testing.T) {
	w := newHubWorld(t)
	r := onHub("")
	r.Policy = &recipe.Policy{Licenses: []string{"apache-2.0"}}
	w.fails(r, contract.LicenseRefused, "data set ", "has the license mit, and policy.licenses allows apache-2.0 alone")
	if n := w.hub.Downloads(); n > 0 || len(w.built) > 0 {
		t.Errorf("%d files were asked for, and %v was built", n, w.built)
	}
	w.build(onHub(""))
	before := w.current()
	w.built = nil
	w.hub.ResetCounts()
	w.fails(r, contract.LicenseRefused, "has the license mit")
	if slices.ContainsFunc(w.built, func(unit string) bool { return strings.HasPrefix(unit, string(pipeline.StageSplit)) }) {
		t.Errorf("%v was built", w.built)
	}
	r.Policy.Licenses = []string{"mit"}
	w.build(r)
	if w.current() != before || w.hub.Downloads() > 0 {
		t.Errorf("a policy made the revision %s of %s, with %v", w.current(), before, w.hub.Counts())
	}
}

package sampler

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/rowfile"
	"github.com/datasetmix/datasetmix/internal/store"
)

const seed = 42

// file is a file of rows as it was written.
type file struct {
	path, index store.Path
	lines       []string
	entries     []rowfile.Entry
}

// at returns a folder as a place on a volume of its own.
func at(t testing.TB, folder string) store.Path {
	t.Helper()
	volume, err := store.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { volume.Close() })
	return volume.Path(".")
}

// write makes a file of so many rows, each eighth of which says the same as the one before.
func write(t *testing.T, rows int) file {
	t.Helper()
	folder := at(t, t.TempDir())
	f := file{path: folder.Join("rows.jsonl"), index: folder.Join("rows.idx")}
	out, err := rowfile.Create(f.path, f.index)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Abort()
	for i := range rows {
		said := i
		if i%8 == 7 {
			said--
		}
		content := sha256.Sum256(fmt.Append(nil, said))
		entry := rowfile.Entry{Identity: rowfile.Short(content[:]), Units: int64(i) * 3}
		line := fmt.Sprintf("{\"row\":%d,\"said\":%d}\n", i, said)
		if err := out.Add([]byte(line), entry); err != nil {
			t.Fatal(err)
		}
		f.lines, f.entries = append(f.lines, line), append(f.entries, entry)
	}
	if _, err := out.Finish(); err != nil {
		t.Fatal(err)
	}
	return f
}

// wanted returns the occurrences from a first one on, by an implementation that knows nothing better than to make whole lists.
func (f file) wanted(drawn bool, first, occurrences int64, split string) []Row {
	var order []int // of all occurrences
	key := mix.NewKey(seed, "replace/"+split)
	for pass := 0; int64(len(order)) < first+occurrences; pass++ {
		places := make([]int, len(f.lines))
		for i := range places {
			places[i] = i
			if drawn {
				places[i] = int(key.Below(uint64(len(f.lines)), uint64(len(order)+i)))
			}
		}
		if pass > 0 && !drawn {
			turn := mix.NewKey(seed, fmt.Sprint("pass/", pass))
			slices.SortStableFunc(places, func(a, b int) int {
				x, y := turn.Place(f.entries[a].Identity), turn.Place(f.entries[b].Identity)
				return bytes.Compare(x[:], y[:])
			})
		}
		order = append(order, places...)
	}
	var rows []Row
	for _, i := range order[first : first+occurrences] {
		rows = append(rows, Row{[]byte(f.lines[i]), f.entries[i].Units})
	}
	return rows
}

// sequence opens a file and gives its occurrences from a first one on.
func (f file) sequence(t *testing.T, draws mix.Draws, first, hold int64) *Sequence {
	t.Helper()
	return f.span(t, draws, mix.Span{Start: first, End: math.MaxInt64}, hold)
}

// span opens a file and gives the occurrences of a span.
func (f file) span(t *testing.T, draws mix.Draws, span mix.Span, hold int64) *Sequence {
	t.Helper()
	rows, err := rowfile.Open(f.path, f.index, hold)
	if err != nil {
		t.Fatal(err)
	}
	s := New(rows, draws, span, seed, at(t, t.TempDir()))
	t.Cleanup(s.Close)
	return s
}

func take(t *testing.T, s *Sequence, occurrences int64) []Row {
	t.Helper()
	var rows []Row
	for range occurrences {
		row, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, Row{bytes.Clone(row.Line), row.Units})
	}
	return rows
}

// same compares rows, and says of many only which is the first that differs.
func same(t *testing.T, got, want []Row) {
	t.Helper()
	for i := range want {
		if !bytes.Equal(got[i].Line, want[i].Line) || got[i].Units != want[i].Units {
			t.Fatalf("occurrence %d is %s with %d units, want %s with %d", i, got[i].Line, got[i].Units, want[i].Line, want[i].Units)
		}
	}
}

// From any occurrence on, held in memory or not, in passes or drawn.
func TestSequencesAgainstADumbOne(t *testing.T) {
	for _, rows := range []int64{1, 2, 9, 100} {
		f := write(t, int(rows))
		for _, drawn := range []bool{false, true} {
			for _, first := range []int64{0, 1, rows - 1, rows, rows + rows/2, 3*rows + 1} {
				for _, hold := range []int64{0, 1 << 20} {
					t.Run(fmt.Sprint(rows, " rows, drawn ", drawn, ", from ", first, ", hold ", hold), func(t *testing.T) {
						occurrences := 3*rows + 2
						draws := mix.InPasses(rows)
						if drawn {
							draws = mix.WithReplacement(rows, first+occurrences, mix.NewKey(seed, "replace/train"))
						}
						same(t, take(t, f.span(t, draws, mix.Span{Start: first, End: first + occurrences}, hold), occurrences), f.wanted(drawn, first, occurrences, "train"))
					})
				}
			}
		}
	}
}

// The order of a pass over so many rows does not fit in memory, and the file is not held: both go through the volume.
func TestLargeSequences(t *testing.T) {
	const rows = 90_000
	f := write(t, rows)
	for name, c := range map[string]struct {
		drawn              bool
		first, occurrences int64
	}{
		"the end of the first pass and the second":       {false, rows - 10, rows + 20},
		"the second pass from its middle, and the third": {false, rows + rows/2, rows},
		"drawn": {true, 5, 2 * rows},
	} {
		t.Run(name, func(t *testing.T) {
			draws := mix.InPasses(rows)
			if c.drawn {
				draws = mix.WithReplacement(rows, c.first+c.occurrences, mix.NewKey(seed, "replace/train"))
			}
			s := f.span(t, draws, mix.Span{Start: c.first, End: c.first + c.occurrences}, 0)
			same(t, take(t, s, c.occurrences), f.wanted(c.drawn, c.first, c.occurrences, "train"))
			if left, err := s.scratch.ReadDir(); err != nil || len(left) > 0 {
				t.Errorf("scratch files are left: %v, %v", left, err)
			}
		})
	}
}

// A sequence that begins later goes on as the one that began before.
func TestShardsContinueOneAnother(t *testing.T) {
	f := write(t, 30)
	whole := take(t, f.sequence(t, mix.InPasses(30), 0, 0), 200)
	for first := range int64(200) {
		same(t, take(t, f.sequence(t, mix.InPasses(30), first, 1<<20), 200-first), whole[first:])
	}
}

// Each shard sorts what it uses of a pass, and a little around it: all shards together about as much as one pass has.
func TestShardsSortTheirPartOfAPass(t *testing.T) {
	const rows, shards = 20_000, 16
	f := write(t, rows)
	whole := f.wanted(false, rows, rows, "train")
	sorted := int64(0)
	for shard := range int64(shards) {
		span := mix.Span{Start: rows + shard*rows/shards, End: rows + (shard+1)*rows/shards}
		s := f.span(t, mix.InPasses(rows), span, 1<<20)
		same(t, take(t, s, span.Rows()), whole[span.Start-rows:span.End-rows])
		part, err := s.part(1, span.Start-rows)
		if err != nil {
			t.Fatal(err)
		}
		err = s.each(1, func(place mix.Place, _ rowfile.Entry, _ rowfile.Place) error {
			if bucket := bucketOf(place); part.low <= bucket && bucket <= part.high {
				sorted++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if most := int64(rows + rows/10); sorted > most {
		t.Errorf("%d shards sort %d rows of %d, want at most %d", shards, sorted, rows, most)
	}
}

func TestEachPassHasEveryRowOnceInAnOrderOfItsOwn(t *testing.T) {
	f := write(t, 64)
	var before []string
	for pass := range slices.Chunk(take(t, f.sequence(t, mix.InPasses(64), 0, 1<<20), 5*64), 64) {
		var lines []string
		for _, row := range pass {
			lines = append(lines, string(row.Line))
		}
		if slices.Equal(lines, before) {
			t.Error("two passes have one order")
		}
		before = slices.Clone(lines)
		if !slices.Equal(slices.Sorted(slices.Values(lines)), slices.Sorted(slices.Values(f.lines))) {
			t.Error("a pass has not every row once")
		}
	}
}

// What is damaged on the volume is an error, in whichever pass it is met.
func TestDamagedFilesAreFound(t *testing.T) {
	f := write(t, 20)
	if err := os.Chmod(f.index.String(), 0o600); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(f.index.String())
	if err != nil {
		t.Fatal(err)
	}
	content[0] = 0xff // the first row begins after its end
	if err := os.WriteFile(f.index.String(), content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, first := range []int64{0, 20} {
		s := f.sequence(t, mix.InPasses(20), first, 0)
		var err error
		for range 20 {
			if _, e := s.Next(); e != nil {
				err = e
			}
		}
		if err == nil {
			t.Errorf("from occurrence %d on nothing was found", first)
		}
	}
}

// Counts agree with a list of all draws, however many rows are counted at a time.
func TestCountAgainstADumbOne(t *testing.T) {
	for _, rows := range []int64{1, 2, 10, 137} {
		for _, occurrences := range []int64{rows + 1, 3 * rows, 500} {
			draws := mix.WithReplacement(rows, occurrences, mix.NewKey(seed, "replace/train"))
			times := map[int64]int64{}
			var most int64
			for o := range occurrences {
				_, row := draws.At(o)
				times[row]++
				most = max(most, times[row])
			}
			for _, atOnce := range []int64{1, 3, 10, 1000} {
				unique, got, err := count(context.Background(), draws, rows, occurrences, atOnce)
				if err != nil || unique != int64(len(times)) || got != most {
					t.Errorf("%d of %d rows, %d at once: %d unique, %d at most, %v; want %d, %d", occurrences, rows, atOnce, unique, got, err, len(times), most)
				}
			}
		}
	}
}

// Uses takes what the plan has, and counts what it leaves open.
func TestUses(t *testing.T) {
	r := recipe.Recipe{Seed: seed, Resample: recipe.WithReplacement}
	split := plan.Split{Name: "train", Domains: []plan.Domain{{Datasets: []plan.Dataset{
		{Name: "z", Available: 10, Rows: 4, Unique: 4, MaxRepeats: 1},
		{Name: "a", Available: 137, Rows: 24016, Drawn: true},
		{Name: "b", Available: 6227, Rows: 6250, Drawn: true},
	}}}}
	uses, err := Uses(context.Background(), r, split)
	if err != nil {
		t.Fatal(err)
	}
	want := []pipeline.MixedDataset{{Unique: 137, MaxRepeats: 212}, {Unique: 3907, MaxRepeats: 6}, {Unique: 4, MaxRepeats: 1}}
	if diff := cmp.Diff(want, uses); diff != "" {
		t.Error(diff)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Uses(ctx, r, split); !errors.Is(err, context.Canceled) {
		t.Errorf("a count that nobody wants any more: %v", err)
	}
}

// BenchmarkCount goes through the draws of a small data set that is used often.
func BenchmarkCount(b *testing.B) {
	const rows, occurrences = 6227, 1 << 20
	draws := mix.WithReplacement(rows, occurrences, mix.NewKey(seed, "replace/train"))
	for b.Loop() {
		if _, _, err := count(context.Background(), draws, rows, occurrences, countRows); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/occurrences, "ns/draw")
}

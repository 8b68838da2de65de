package stage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/forgery"
	"github.com/datasetmix/datasetmix/internal/testing/realrows"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// ways write a question in another way, so that a person takes it for the same one.
func ways() []func(string) string {
	between := func(with string) func(string) string {
		return func(q string) string { return strings.Replace(q, "é", "é"+with, 1) }
	}
	spaces := func(with string) func(string) string {
		return func(q string) string { return strings.Replace(q, " ", with, 2) }
	}
	return []func(string) string{
		spaces("  "), spaces("\u00a0"), spaces("\r\n"), spaces("\u2028\t"), func(q string) string { return " " + q + "\n" },
		norm.NFD.String, strings.ToUpper, strings.ToLower,
		between("\u200b"), between("\u200d"), between("\ufeff"), between("\u00ad"), between("\u202a"), between("\ufe0f"),
		func(q string) string {
			return strings.NewReplacer("0", "０", "1", "１", "2", "２", "?", "？").Replace(q)
		},
		func(q string) string { return strings.Replace(q, "fi", "ﬁ", 1) },
	}
}

func cafe(i int) string { return fmt.Sprintf("How many café visitors fit into %d rooms?", i) }

// question returns a row of a question and an answer, in the gsm8k form.
func question(text, answer string) string {
	row, err := json.Marshal(map[string]string{"question": text, "answer": "#### " + answer})
	if err != nil {
		panic(err)
	}
	return string(row) + "\n"
}

// variants returns 600 questions, each again in another way: a third of them in the same data set, the others in another one.
func variants(t *testing.T) *world {
	w := filled(t)
	var one, other strings.Builder
	written := ways()
	for i := range 600 {
		one.WriteString(question(cafe(i), strconv.Itoa(i)))
		again := question(written[i%len(written)](cafe(i)), strconv.Itoa(i))
		if i%3 == 0 {
			one.WriteString(again)
		} else {
			other.WriteString(again)
		}
	}
	w.put("sums.jsonl", one.String())
	w.put("products.jsonl", other.String())
	return w
}

func normalized() recipe.Recipe {
	r := recipes.Two()
	r.Compare = recipe.CompareQuestionV1
	return r
}

// formOf returns the form of a question.
func formOf(text string) string { return string(dedup.AppendQuestion(nil, text)) }

// onBothSides returns the questions, as they are compared, of which a published file of rows of each split has one.
func (w *world) onBothSides(r recipe.Recipe, as func(string) string) (both []string) {
	w.t.Helper()
	sides := map[string]int{}
	for s, split := range r.Splits {
		files := []string{revision.MixedFile(recipe.Shard{Split: split.Name}, recipe.JSONL)}
		for _, name := range r.DatasetNames() {
			files = append(files, revision.ProcessedFile(name, split.Name))
		}
		for _, file := range files {
			for _, row := range w.records(file) {
				sides[as(row.Question)] |= 1 << s
			}
		}
	}
	for question, in := range sides {
		if in&(in-1) != 0 {
			both = append(both, question)
		}
	}
	return both
}

// A question stands on one side however it is written, and how many are written in another way is counted.
func TestQuestionsWrittenInAnotherWay(t *testing.T) {
	w, r := variants(t), normalized()
	balanced := w.balancedOf(r)
	if both := w.onBothSides(r, formOf); len(both) > 0 {
		t.Errorf("%d questions stand on both sides: %q", len(both), both[0])
	}
	if n := balanced.Variants.Total(); n != 600 {
		t.Errorf("%d rows are written in another way, want 600: %v", n, balanced.Variants)
	}
	proof, err := verify.Revision(t.Context(), w.revision(r), verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// 600 of these, and 300 facts.
	if n := proof.Questions[0] + proof.Questions[1]; n != 900 {
		t.Errorf("the proof is over %d questions, want 900", n)
	}
	var meta struct{ Variants map[string]int64 }
	for d, name := range r.DatasetNames() {
		if err := json.Unmarshal([]byte(w.read("mix/current/"+revision.MetaFile(name))), &meta); err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{"train": balanced.Variants.Of(0, d), "test": balanced.Variants.Of(1, d)}
		if diff := cmp.Diff(want, meta.Variants); diff != "" {
			t.Errorf("meta.json of %s (-want +got):\n%s", name, diff)
		}
	}
}

// Whoever asks for it has questions compared to the byte, and then they do stand on both sides.
func TestQuestionsComparedToTheByte(t *testing.T) {
	w := variants(t)
	balanced := w.balancedOf(recipes.Two())
	if both := w.onBothSides(recipes.Two(), formOf); len(both) < 100 || balanced.Variants != nil {
		t.Errorf("%d questions stand on both sides, %v are counted", len(both), balanced.Variants)
	}
	if both := w.onBothSides(recipes.Two(), func(q string) string { return q }); len(both) > 0 {
		t.Errorf("%q stands on both sides to the byte", both)
	}
	if err := forgery.Check(w.revision(recipes.Two())); err != nil {
		t.Error(err)
	}
}

// What is not the same question is not merged, dropped or counted, and a question of which nothing is seen is itself.
func TestOtherQuestionsStayApart(t *testing.T) {
	w := filled(t)
	var rows strings.Builder
	texts := []string{"What is 2+2?", "What is 2-2?", "What is 2+2", "What is 22?", "What is 2 2?", "resume", "résumé", "\u200b", "\u200c", " ", "f(x)", "f[x]", "What is ½?", "What is 1/2?"}
	for _, text := range texts {
		rows.WriteString(question(text, "1"))
	}
	w.put("sums.jsonl", rows.String())
	r := normalized()
	r.Duplicates = recipe.DropDuplicates
	balanced := w.balancedOf(r)
	if balanced.DroppedTotal() != 0 || balanced.Variants != nil {
		t.Errorf("dropped or written in another way: %+v", balanced)
	}
	if n := w.divided(r, "sums").Groups; n != int64(len(texts)) {
		t.Errorf("%d groups, want %d", n, len(texts))
	}
}

// Of duplicates the question may be written in another way; the reference answer has to be the same to the byte.
func TestDuplicatesWrittenInAnotherWay(t *testing.T) {
	w := filled(t)
	w.put("sums.jsonl", recipes.Sums("What is the sum of", 100)+strings.ReplaceAll(recipes.Sums("what is  the SUM of", 60), "#### 1", "#### 91"))
	r := normalized()
	r.Duplicates = recipe.DropDuplicates
	balanced := w.balancedOf(r)
	// 11 of 60 answers begin with a 1 and are other ones.
	if n, variants := balanced.Duplicates.Total(), balanced.Variants.Total(); n != 49 || variants != 60 {
		t.Errorf("%d duplicates, want 49; %d variants, want 60", n, variants)
	}
	if err := forgery.Check(w.revision(r)); err != nil {
		t.Error(err)
	}
}

// A value of groupBy is the same where every byte is; the questions of other groups are then compared by their form.
func TestGroupsAreComparedToTheByte(t *testing.T) {
	w := filled(t)
	var rows strings.Builder
	for i := range 200 {
		row, _ := json.Marshal(map[string]string{"question": cafe(i), "answer": "#### 1", "title": []string{"Alpha", "alpha"}[i%2] + strconv.Itoa(i/20)})
		rows.Write(append(row, '\n'))
	}
	w.put("sums.jsonl", rows.String())
	r := normalized()
	r.Domains[0].Datasets[0].Record = recipe.Record{Question: "row.question", ReferenceAnswer: "row.answer", AnswerType: "text", GroupBy: "row.title"}
	w.put("products.jsonl", strings.ReplaceAll(rows.String(), "How many", "HOW MANY"))
	if divided := w.divided(r, "sums"); divided.Groups != 20 || divided.LargestGroup != 10 {
		t.Errorf("%d groups, the largest of %d rows; want 20 of 10", divided.Groups, divided.LargestGroup)
	}
	balanced := w.balancedOf(r)
	if both := w.onBothSides(r, formOf); len(both) > 0 || balanced.Overlap.Total() == 0 {
		t.Errorf("%d questions stand on both sides, %d rows were dropped", len(both), balanced.Overlap.Total())
	}
}

// The proof finds a question on both sides however it is written, escapes of JSON included.
func TestVerifyFindsQuestionsWrittenInAnotherWay(t *testing.T) {
	rev := func(t *testing.T) string {
		w := filled(t)
		w.put("sums.jsonl", recipes.Sums(`What is \"the\"\\ sum\n of`, 120))
		return w.revision(normalized())
	}
	forgery.WantFound(t, rev, map[string]forgery.Case{
		"in upper case, with other spaces": {func(t *testing.T, folder string, m *revision.Manifest) {
			train, test := firstQuestion(t, folder, "train"), firstQuestion(t, folder, "test")
			written := strings.ReplaceAll(strings.ToUpper(test), `\N`, `\t\u000b`)
			forgery.Says(`"question":`+train, `"question":`+written)(t, folder, m)
		}, "split train as well, in row sums_"},
		"the same bytes": {func(t *testing.T, folder string, m *revision.Manifest) {
			forgery.Says(`"question":`+firstQuestion(t, folder, "train"), `"question":`+firstQuestion(t, folder, "test"))(t, folder, m)
		}, "split train as well, in row sums_"},
	})
}

// firstQuestion returns that of the first row of sums in a split, as it stands in JSON.
func firstQuestion(t *testing.T, folder, split string) string {
	t.Helper()
	content, err := os.ReadFile(folder + "/" + revision.ProcessedFile("sums", split))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	return string(record.StringOf(parsed(t, line).Question))
}

// A mix whose rule this release does not know is not built and not proved.
func TestUnknownComparison(t *testing.T) {
	w := filled(t)
	r := recipes.Two()
	r.Compare = "question/v9"
	w.fails(r, contract.InvalidTask, `there is no rule "question/v9" by which questions are compared; a newer release may have one`)
}

// The real rows: what is equal but for the way in which it is written, and that the strategy's counts stay.
func TestRealRowsWrittenInAnotherWay(t *testing.T) {
	totals := map[recipe.Comparison][]int64{}
	variants := map[recipe.Comparison]int64{}
	for _, rule := range []recipe.Comparison{recipe.CompareBytes, recipe.CompareQuestionV1} {
		w := newWorld(t)
		w.claims = realrows.Folder(t)
		r := realSix()
		r.Compare = rule
		graph, results := w.results(r)
		for _, split := range graph.Plan.Splits {
			totals[rule] = append(totals[rule], split.Rows)
			for _, domain := range split.Domains {
				totals[rule] = append(totals[rule], domain.Rows)
			}
		}
		step, _ := graph.Step(pipeline.StageBalance)
		balanced := *results[step.Nodes[0].Key].Balance
		variants[rule] = balanced.Variants.Total()
		if rule == recipe.CompareQuestionV1 {
			if both := w.onBothSides(r, formOf); len(both) > 0 {
				t.Errorf("%q stands on both sides", both)
			}
		}
	}
	if diff := cmp.Diff(totals[recipe.CompareBytes], totals[recipe.CompareQuestionV1]); diff != "" {
		t.Errorf("counts change with the rule (-bytes +form):\n%s", diff)
	}
	if diff := cmp.Diff(map[recipe.Comparison]int64{recipe.CompareBytes: 0, recipe.CompareQuestionV1: 6}, variants); diff != "" {
		t.Errorf("rows written in another way (-want +got):\n%s", diff)
	}
}

package page

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/statistics"
)

// hostile is what a row may say: no page may take it for more than text.
const hostile = `</p><script>alert(1)</script><img src=x onerror=alert(1)>"'&<!-- {{.}} ` + "\x1b[31m\u202e"

// of makes the manifest and the statistics of a mix of so many data sets and splits, with long names and rows that are all markup.
func of(t testing.TB, datasets, splits int) (revision.Manifest, statistics.File) {
	t.Helper()
	r := recipe.Recipe{Name: "mix", Seed: 42, Order: recipe.Shuffled, Output: recipe.Output{Format: recipe.JSONL, Layout: recipe.LayoutRule}}
	m := revision.Manifest{Version: revision.ManifestVersion, Name: "mix", Revision: "0123456789"}
	divided := pipeline.SplitResult{Read: 1_234_567, Dropped: map[string]int64{"where": 7, "malformed": 5}}
	for s := range splits {
		r.Splits = append(r.Splits, recipe.Split{Name: fmt.Sprintf("split-%d", s), Share: 1, Size: recipe.Size{Policy: recipe.KeepTotal}})
		divided.Rows = append(divided.Rows, int64(1_234_555/splits))
	}
	for d := range datasets {
		name := fmt.Sprintf("a-data-set-with-quite-a-long-name-%02d", d)
		dataset := recipe.Dataset{Name: name, Record: recipe.Record{Preset: "gsm8k"}, Source: recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "organization/" + name, Revision: strings.Repeat("a", 40)}}}
		r.Domains = append(r.Domains, recipe.Domain{Name: fmt.Sprintf("domain-%02d", d), Share: int64(d + 1), Balance: recipe.Largest, Datasets: []recipe.Dataset{dataset}})
		m.Stages = append(m.Stages,
			revision.Finished{Stage: pipeline.StageDownload, Node: pipeline.Node{Name: name}, Result: pipeline.Result{Download: &pipeline.DownloadResult{Revision: strings.Repeat("a", 40), License: "mit"}}},
			revision.Finished{Stage: pipeline.StageSplit, Node: pipeline.Node{Name: name}, Result: pipeline.Result{Split: &divided}})
		rows := int64(10)
		m.Files = append(m.Files, revision.PublishedFile{Path: revision.RawFile("domain", name), Bytes: 1 << 30, Rows: &rows, SHA256: strings.Repeat("b", 64)})
		for _, s := range r.Splits {
			m.Files = append(m.Files, revision.PublishedFile{Path: revision.ProcessedFile(name, s.Name), Bytes: 1 << 30, Rows: &rows, SHA256: strings.Repeat("c", 64)})
		}
	}
	balanced := pipeline.BalanceResult{Overlap: pipeline.NewDroppedRows(splits, datasets)}
	balanced.Overlap[0][0] = 3
	m.Stages = append(m.Stages, revision.Finished{Stage: pipeline.StageBalance, Node: pipeline.Node{Name: "mix"}, Result: pipeline.Result{Balance: &balanced}})
	var err error
	if m.Plan, err = plan.New(r, pipeline.Remaining(r, m.Results(), balanced)); err != nil {
		t.Fatal(err)
	}
	m.Recipe = r
	return m, statistics.Of(m, parts(m))
}

func parts(m revision.Manifest) []statistics.Part {
	var all []statistics.Part
	for _, split := range m.Plan.Splits {
		for _, d := range split.Datasets() {
			var rows statistics.Rows
			for i := range int64(60) {
				rows.Add(statistics.Row{Question: i * i * i, Answer: i, Bytes: 200 + i, Tokens: i}, i%7 == 3)
				if rows.Wants() {
					rows.Show(statistics.Sample{ID: d.Name + "_0", Question: strings.Repeat(hostile, 10), Answer: hostile, Type: "text"})
				}
			}
			all = append(all, rows.Part(d.Name, "domain", split.Name, true))
		}
	}
	return all
}

func made(t testing.TB, m revision.Manifest, s statistics.File) string {
	t.Helper()
	content, err := HTML(m, s)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// 64 data sets in 4 splits, all of their rows markup, are a page of at most 500 kB.
func TestALargeMixIsASmallPage(t *testing.T) {
	m, s := of(t, 64, 4)
	page := made(t, m, s)
	if len(page) > 500_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
	t.Logf("%d bytes", len(page))
	if file := os.Getenv("REPORT"); file != "" { // for make browser
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if again := made(t, m, s); again != page {
		t.Error("the same revision has another page")
	}
}

// What is read again from statistics.json has the page that what was just counted has: a proof makes it from the file.
func TestThePageOfTheFileIsThatOfTheCounts(t *testing.T) {
	m, s := of(t, 3, 2)
	encoded, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := statistics.Decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if made(t, m, s) != made(t, m, read) {
		t.Error("the pages differ")
	}
	if again, err := read.Encode(); err != nil || !bytes.Equal(again, encoded) {
		t.Errorf("the file that was read has other bytes (%v)", err)
	}
}

func TestRowsAreTextAndNothingElse(t *testing.T) {
	m, s := of(t, 3, 2)
	m.Name = "mix"
	page := made(t, m, s)
	for _, sign := range []string{"<script", "<img", "url(http", "@import", "onerror=alert(1)>", "javascript:", "<!--", "\x1b", "\u202e"} {
		if strings.Contains(strings.ToLower(page), sign) {
			t.Errorf("the page has %q", sign)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the page does not show what the row says")
	}
	for _, attribute := range regexp.MustCompile(`<[a-z][^>]*[\s](?:src|srcset|href|action|style|data|poster)=["']?([^"'\s>]+)`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(attribute[1], "#") {
			t.Errorf("the page asks for %s", attribute[1])
		}
	}
}

// The markup is whole: every element is closed, and no id is there twice.
func TestThePageIsWellFormed(t *testing.T) {
	m, s := of(t, 20, 3)
	page := made(t, m, s)
	_, html, _ := strings.Cut(page, "<!doctype html>")
	decoder := xml.NewDecoder(strings.NewReader(regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(html, "")))
	decoder.Strict = false
	decoder.AutoClose, decoder.Entity = []string{"meta", "link"}, xml.HTMLEntity
	ids := map[string]bool{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			if a.Name.Local == "id" && ids[a.Value] {
				t.Errorf("the id %q is there twice", a.Value)
			}
			if a.Name.Local == "id" {
				ids[a.Value] = true
			}
		}
	}
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !ids[link[1]] {
			t.Errorf("nothing has the id %q", link[1])
		}
	}
}

// Every number of rows of the picture is in a table as well.
func TestThePictureHasItsTable(t *testing.T) {
	m, s := of(t, 5, 2)
	page := made(t, m, s)
	_, tables, _ := strings.Cut(page, "</svg></div>")
	values := regexp.MustCompile(`class="value"[^>]*>([0-9,]+)<`).FindAllStringSubmatch(page, -1)
	if len(values) < 10 {
		t.Fatalf("the picture has %d numbers", len(values))
	}
	for _, value := range values {
		if !strings.Contains(tables, ">"+value[1]+"<") {
			t.Errorf("the number %s of the picture is in no table", value[1])
		}
	}
}

// What goes into a node comes out of it, or ends there.
func TestRowsAreConserved(t *testing.T) {
	m, _ := of(t, 5, 3)
	encoded, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &m); err != nil {
		t.Fatal(err)
	}
	p, err := newPage(m, statistics.File{})
	if err != nil {
		t.Fatal(err)
	}
	f := flowsOf(m, &p.Revision)
	for _, of := range f.of {
		sum := of.leftOut
		for _, s := range of.splits {
			sum += s.rows
			if s.rows != s.dropped+s.unique+s.unused() || s.mixed != s.unique+s.repeats() {
				t.Errorf("%s: %+v does not add up", of.name, s)
			}
		}
		if of.read-sum > 2 { // the fixture rounds the rows of a split down
			t.Errorf("%s: %d of %d rows are somewhere", of.name, sum, of.read)
		}
	}
}

package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func page(t *testing.T, r Revision) string {
	t.Helper()
	out, err := HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestPageSays(t *testing.T) {
	got := page(t, six())
	for _, want := range []string{
		"<title>grpo-six · 3f9c2a1b0d</title>",
		"ratio math 4 : qa 3 : code 3",
		"<b>160,107</b><span>rows of train, 61,001 distinct (KeepTotal)</span>",
		"<li>humaneval: 137 rows repeat up to 176 times in the 24,016 rows it has in train.</li>",
		`aria-label="math: 40.00 % achieved, 40.00 % wanted"`,
		`style="width: 30.00%"`,
		`style="left: 30.00%"`,
		`<code title="740312add88f781978c0658806c59bc2815b9866">740312add88f</code>`,
		`dropped because the same content came before`,
		`<td class="n high">176×</td>`,
		`<td class="n">1×</td>`,
		`<td class="n" title="181234567 bytes">181.2 MB</td>`,
		`<td>mbpp</td><td class="n">356</td><td class="n">356</td><td class="n">24,016</td><td class="n">356</td>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page has not %s", want)
		}
	}
}

// TestPageNeedsNothingElse keeps the page whole without a network: it is read on air-gapped volumes.
func TestPageNeedsNothingElse(t *testing.T) {
	got := page(t, six())
	for _, forbidden := range []string{"<script", "src=", "href=", "@import", "url(", "http://", "https://", "ZgotmplZ"} {
		if strings.Contains(got, forbidden) {
			t.Errorf("the page has %s", forbidden)
		}
	}
}

// TestPageEscapes gives every text of the input a try at markup.
func TestPageEscapes(t *testing.T) {
	const evil = `"><script>alert(1)</script>&'`
	got := page(t, six().with(func(r *Revision) {
		r.Mix, r.ID, r.Splits[0].Name, r.Splits[0].Policy = evil, evil, evil, evil
		r.Domains[0].Name = evil
		for i := range r.Datasets {
			if r.Datasets[i].Domain == "math" {
				r.Datasets[i].Domain = evil
			}
		}
		r.Datasets[0].Name, r.Datasets[0].Source, r.Datasets[0].Resolved, r.Datasets[0].Mapping, r.Datasets[0].License = evil, evil, evil, evil, evil
		r.Datasets[0].Dropped = []Drop{{evil, 1}}
		r.Files[0].Path, r.Files[0].SHA256 = evil, evil
	}))
	if strings.Contains(got, "<script") {
		t.Error("markup comes through")
	}
	wellFormed(t, got)
}

func TestPageIsWellFormed(t *testing.T) { wellFormed(t, page(t, six())) }

// wellFormed checks that every element closes.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(page))
	dec.Strict, dec.AutoClose, dec.Entity = true, xml.HTMLAutoClose, xml.HTMLEntity
	// The style sheet and the doctype are not XML's business, and void elements have no end.
	body := page[strings.Index(page, "<body>"):strings.Index(page, "</html>")]
	dec = xml.NewDecoder(strings.NewReader(body))
	dec.Entity = xml.HTMLEntity
	for {
		_, err := dec.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPageWithoutWarnings(t *testing.T) {
	got := page(t, six().with(func(r *Revision) {
		r.Splits[0].Unique, r.Splits[1].Unique = r.Splits[0].Rows, r.Splits[1].Rows
		for i := range r.Datasets {
			r.Datasets[i].Splits = []Counts{{MaxRepeats: 1}, {MaxRepeats: 0}}
		}
	}))
	if strings.Contains(got, "Before you use it") {
		t.Error("there is an empty warning")
	}
}

func TestPageOfEmptySplit(t *testing.T) {
	got := page(t, six().with(func(r *Revision) {
		r.Splits[1].Rows, r.Splits[1].Unique = 0, 0
		for i := range r.Domains {
			r.Domains[i].Rows = []int64{r.Domains[i].Rows[0], 0}
		}
	}))
	if !strings.Contains(got, `style="width: 0.00%"`) {
		t.Error("an empty split has no empty bars")
	}
}

// golden compares with a file in testdata, or writes it when UPDATE is set in the environment.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s is not what it was; look at the difference and run the test with UPDATE=1", name)
	}
}

func TestGolden(t *testing.T) {
	for name, write := range map[string]func(Revision) ([]byte, error){"README.md": Card, "croissant.json": Croissant, "report.html": HTML} {
		got, err := write(six())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, got)
	}
}

// The page says by which rule questions are the same, and how many are written in another way.
func TestPageSaysHowQuestionsAreCompared(t *testing.T) {
	r := six()
	for _, c := range []struct {
		compare string
		rows    int64
		want    map[string]bool
	}{
		{"", 0, map[string]bool{"no question of one split is in another: a build": true, "written in another way": false}},
		{"question/v1", 17, map[string]bool{"no question of one split is in another, compared as normalized by question/v1: a build": true,
			`with a question of another row, written in another way</td><td class="n lead">17</td>`: true}},
	} {
		r.Compare, r.Datasets[0].Variants = c.compare, c.rows
		text := page(t, r)
		for part, want := range c.want {
			if strings.Contains(text, part) != want {
				t.Errorf("compared by %q, the page has %q: %v, want %v", c.compare, part, !want, want)
			}
		}
	}
}

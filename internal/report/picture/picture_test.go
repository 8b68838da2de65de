package picture

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// flow returns one of two sources and two splits, with names that are markup.
func flow() Flow {
	return Flow{
		ID: "f", Title: `<b>"rows"`, Description: "d", Heads: []string{"a", "b"},
		Columns: [][]Node{
			{{Name: `<script>`, Kind: Kept, Value: 90, Label: "90"}, {Name: "two", Kind: Kept, Value: 10, Label: "10"}},
			{{Name: "train", Kind: Kept, Value: 80, Label: "80"}, {Name: "gone", Kind: Gone, Value: 20, Label: "20"}},
		},
		Links: []Link{
			{FromColumn: 0, From: 0, ToColumn: 1, To: 0, Kind: Kept, Value: 75}, {FromColumn: 0, From: 0, ToColumn: 1, To: 1, Kind: Gone, Value: 15},
			{FromColumn: 0, From: 1, ToColumn: 1, To: 0, Kind: Kept, Value: 5}, {FromColumn: 0, From: 1, ToColumn: 1, To: 1, Kind: Gone, Value: 5},
			{FromColumn: 0, From: 1, ToColumn: 1, To: 1, Kind: Gone, Value: 0},
		},
	}
}

func wellFormed(t *testing.T, svg string) {
	t.Helper()
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
	}
}

// Heights are in the ratio of the rows, and links are drawn where there are rows.
func TestHeightsAreRows(t *testing.T) {
	svg := string(flow().SVG())
	wellFormed(t, svg)
	if strings.Contains(svg, "<script>") || strings.Count(svg, `<path class="l `) != 4 {
		t.Errorf("the picture is %s", svg)
	}
	var heights []float64
	for _, m := range regexp.MustCompile(`<rect class="n [a-z]+"[^>]* height="([0-9.]+)"`).FindAllStringSubmatch(svg, -1) {
		h, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		heights = append(heights, h)
	}
	for i, want := range []float64{90, 10, 80, 20} {
		if want *= flowTallest / 100.0; math.Abs(heights[i]-want) > 0.11 {
			t.Errorf("node %d is %g high, want %g", i, heights[i], want)
		}
	}
}

func TestHistogramsBeginWhereRowsAre(t *testing.T) {
	if got := (Histogram{Bins: []int64{0, 0}}).SVG(); got != "" {
		t.Errorf("no row is %s", got)
	}
	svg := string(Histogram{Title: "<t>", Bins: []int64{0, 0, 4, 0, 1}}.SVG())
	wellFormed(t, svg)
	if strings.Count(svg, "z") != 2 || !strings.Contains(svg, ">2</text>") || !strings.Contains(svg, ">15</text>") {
		t.Errorf("the histogram is %s", svg)
	}
	for bin, want := range []string{"0", "1", "2–3", "4–7"} {
		if got := BinName(bin); got != want {
			t.Errorf("bin %d is %s, want %s", bin, got, want)
		}
	}
}

func TestBars(t *testing.T) {
	for _, c := range []struct {
		bar  Bar
		want string
	}{
		{Bar{Value: 1, Whole: 3}, `<rect class="b" width="33.3%" height="100%"/></svg>`},
		{Bar{Value: 9, Whole: 3, Mark: 1, Marked: true}, `width="100%" height="100%"/><rect class="m" x="33.3%"`},
		{Bar{}, `width="0%"`},
		{Bar{Value: math.MaxInt64 / 2, Whole: math.MaxInt64}, `width="49.9%"`},
	} {
		if got := string(c.bar.SVG()); !strings.Contains(got, c.want) {
			t.Errorf("%+v is %s, want %s", c.bar, got, c.want)
		}
	}
}

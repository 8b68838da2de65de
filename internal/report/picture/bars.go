package picture

import (
	"html/template"
	"slices"
	"strconv"
)

// Sizes of a histogram, in pixels.
const (
	binWidth        = 14
	histogramHeight = 56
	histogramBase   = 14 // below the bars, for the marks
)

// Histogram is a picture of numbers of rows by length. Bin 0 has the rows of length 0, bin b those of lengths from 2^(b-1) to below 2^b.
type Histogram struct {
	Title string
	Bins  []int64
}

// SVG returns the histogram, from the first bin that has rows; empty if none has.
func (h Histogram) SVG() template.HTML {
	first := slices.IndexFunc(h.Bins, func(n int64) bool { return n > 0 })
	if first < 0 {
		return ""
	}
	var most int64
	for _, n := range h.Bins {
		most = max(most, n)
	}
	bins := h.Bins[first:]
	var d, bars drawing
	width := max(len(bins)*binWidth, 4*binWidth)
	for i, n := range bins {
		if n == 0 {
			continue
		}
		height := max(part(whole(histogramHeight), n, most), 10)
		bars.printf("M%d %dv-%sh%dv%sz", i*binWidth+1, histogramHeight, height, binWidth-2, height)
	}
	d.printf(`<svg class="hist" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s"><path d="%s"/>`,
		width, histogramHeight+histogramBase, width, histogramHeight+histogramBase, text(h.Title), bars.out.String())
	d.printf(`<text y="%d">%s</text><text x="%d" y="%d" text-anchor="end">%s</text></svg>`,
		histogramHeight+histogramBase-3, lower(first), width, histogramHeight+histogramBase-3, upper(len(h.Bins)-1))
	return template.HTML(d.out.String()) //nolint:gosec // every text in it was escaped
}

// BinName returns the range of lengths in a bin: "0", "1", "2–3", "4–7" and so on.
func BinName(bin int) string {
	if bin < 2 {
		return lower(bin)
	}
	return lower(bin) + "–" + upper(bin)
}

func lower(bin int) string {
	if bin == 0 {
		return "0"
	}
	return strconv.FormatInt(1<<(bin-1), 10)
}

func upper(bin int) string {
	if bin == 0 {
		return "0"
	}
	return strconv.FormatInt(1<<bin-1, 10)
}

// Bar is a bar in a table: Value is its length and Mark the place of a mark across it, both as parts of Whole. It repeats the number next to it, so screen
// readers must not read it.
type Bar struct {
	Value, Mark, Whole int64
	// Marked reports whether there is a mark.
	Marked bool
}

// SVG returns the bar, drawn in tenths of a percent.
func (b Bar) SVG() template.HTML {
	const all = 1000 // tenths of a percent
	var d drawing
	d.printf(`<svg class="bar" aria-hidden="true"><rect class="b" width="%s%%" height="100%%"/>`, part(all, b.Value, b.Whole))
	if b.Marked {
		d.printf(`<rect class="m" x="%s%%" width="2" height="100%%"/>`, part(all, b.Mark, b.Whole))
	}
	d.printf(`</svg>`)
	return template.HTML(d.out.String()) //nolint:gosec // there are only numbers in it
}

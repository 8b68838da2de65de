package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// report has the results of all measurements.
type report struct {
	Processors int      `json:"processors"`
	Go         string   `json:"go"`
	Runs       int      `json:"runs"`
	Corpora    []result `json:"corpora"`
	Growth     *growth  `json:"growth,omitempty"`
}

// result has the medians for one corpus.
type result struct {
	Corpus string `json:"corpus"`
	Bytes  int64  `json:"bytes"`
	Build  figure `json:"build"`
	Second figure `json:"second"`
	// Export is a build with an export of format RL, ExportCost its additional processor time relative to a plain build.
	Export     figure  `json:"export"`
	ExportCost float64 `json:"exportCost"`
	// Mixed is a build that keeps only the mixed files, MixedFaster its speed relative to Python.
	Mixed       figure  `json:"mixed"`
	MixedFaster float64 `json:"mixedFaster"`
	// Polars is the same mix in polars, if it was measured, PolarsFaster the speed of the build relative to it.
	Polars       *figure `json:"polars,omitempty"`
	PolarsFaster float64 `json:"polarsFaster,omitempty"`
	Python       figure  `json:"python"`
	Copy         figure  `json:"copy"`
	// Faster is the speed of the build relative to Python.
	Faster float64 `json:"faster"`
	// SecondShare is the time of the second build relative to the first.
	SecondShare float64 `json:"secondShare"`
}

// growth is a build at another scale.
type growth struct {
	Scale  float64 `json:"scale"`
	Bytes  int64   `json:"bytes"`
	Build  figure  `json:"build"`
	Second figure  `json:"second"`
	// Times is its time relative to the build at the first scale.
	Times float64 `json:"times"`
	// Limit is the memory limit of Limited in bytes; Same reports whether it published the same bytes.
	Limit   int64  `json:"limitBytes,omitempty"`
	Limited figure `json:"limited,omitzero"`
	Same    bool   `json:"same,omitempty"`
}

func (r report) print(to io.Writer) {
	fmt.Fprintf(to, "%d processors, %s, medians of %d runs\n\n", r.Processors, r.Go, r.Runs)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(what string, f figure, note string) {
		fmt.Fprintf(table, "%s\t%.2f s\t%.2f s\t%d MiB\t%s\t\n", what, f.Seconds, f.CPU, f.Resident>>20, note)
	}
	for _, c := range r.Corpora {
		fmt.Fprintf(table, "%s (%d MB)\ttime\tprocessors\tresident\t\t\n", c.Corpus, c.Bytes/1e6)
		row("build", c.Build, "")
		row("second build, another share", c.Second, fmt.Sprintf("%.0f %% of the first", 100*c.SecondShare))
		row("build with an RL export", c.Export, fmt.Sprintf("%+.0f %% of processor time", 100*c.ExportCost))
		row("build that keeps Mixed", c.Mixed, fmt.Sprintf("%.1f times as fast as plain Python", c.MixedFaster))
		row("plain Python", c.Python, fmt.Sprintf("the build is %.1f times as fast", c.Faster))
		if c.Polars != nil {
			row("polars", *c.Polars, fmt.Sprintf("the build is %.1f times as fast", c.PolarsFaster))
		}
		row("cat originals, cp results", c.Copy, "")
	}
	if g := r.Growth; g != nil {
		fmt.Fprintf(table, "own corpus, scale %g (%d MB)\ttime\tprocessors\tresident\t\t\n", g.Scale, g.Bytes/1e6)
		row("build", g.Build, fmt.Sprintf("%.1f times as long", g.Times))
		row("second build, another share", g.Second, "")
		if g.Limit > 0 {
			row(fmt.Sprintf("build in %d MiB", g.Limit>>20), g.Limited, map[bool]string{true: "the same bytes", false: "OTHER BYTES"}[g.Same])
		}
	}
	_ = table.Flush() // standard output is closed: there is nowhere to report it
}

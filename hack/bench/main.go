// Command bench compares a whole build on one machine with the same mix in plain Python, and with reading the originals and copying the
// results, which is about the least time that any program needs. It makes its own corpus with the shape and the number of rows of the six
// data sets, and runs the programs in turn several times, so that other load on the machine affects all of them.
// docs/contributing/performance.md has the figures.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

func main() {
	var b bench
	var growth float64
	flag.StringVar(&b.program, "program", "bin/kubectl-datasetmix", "the program to measure")
	flag.StringVar(&b.dir, "dir", "dist/bench", "folder for the corpus, which stays, and for what is built, which goes")
	flag.StringVar(&b.elsewhere, "other", beside("*/bench/reference.py"), "folder with another generator and pipeline (gen.py, reference.py); default: one beside the checkout, if there is one")
	flag.StringVar(&b.profile, "profile", "", "also build once under `perf record`, into this file")
	flag.StringVar(&b.polars, "polars", "", "a Python that has polars, to measure polars_mix.py in the folder of the other pipeline with")
	flag.IntVar(&b.runs, "runs", 3, "how often everything is measured; the medians count")
	scale := flag.Float64("scale", 1, "size of the corpus; 1 is 568 MB, the real numbers of rows")
	flag.Float64Var(&growth, "growth", 0, "also build once at this scale and compare; 0 does not")
	flag.Int64Var(&b.limit, "limit", 0, "build once more at the scale of --growth, with so many MiB of memory (a control group: takes root); 0 does not")
	flag.Parse()
	if err := run(&b, *scale, growth); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// beside returns the folder of a file next to the current checkout, empty if there is no such file.
func beside(pattern string) string {
	found, err := filepath.Glob(filepath.Join("..", pattern))
	if err != nil || len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[0])
}

func run(b *bench, scale, growth float64) error {
	if err := os.MkdirAll(b.dir, 0o750); err != nil {
		return err
	}
	report := report{Processors: runtime.NumCPU(), Go: runtime.Version(), Runs: b.runs}
	own, err := b.own(scale)
	if err != nil {
		return err
	}
	report.Corpora = append(report.Corpora, own)
	if _, err := os.Stat(filepath.Join(b.elsewhere, "reference.py")); err == nil {
		other, err := b.other(scale)
		if err != nil {
			return err
		}
		report.Corpora = append(report.Corpora, other)
	}
	if growth > 0 {
		if report.Growth, err = b.growth(own, growth); err != nil {
			return err
		}
	}
	if b.profile != "" {
		if err := b.perf(scale); err != nil {
			return err
		}
	}
	report.print(os.Stdout)
	encoded, err := json.MarshalIndent(report, "", "  ")
	return errors.Join(err, os.WriteFile(filepath.Join(b.dir, "report.json"), append(encoded, '\n'), 0o600), os.RemoveAll(b.out()))
}

package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

//go:embed pipeline.py
var pipeline []byte

// bench has the options of the measurements.
type bench struct {
	program, dir, elsewhere, profile string
	polars                           string // a Python that has polars; empty where it is not measured
	runs                             int
	limit                            int64  // MiB of memory for the build at another scale; 0 does not limit it
	group                            string // the control group that builds run in, if any
}

// figure has the measures of one run of a program.
type figure struct {
	Seconds float64 `json:"seconds"`
	// CPU is its processor time in seconds.
	CPU float64 `json:"cpuSeconds"`
	// Resident is its peak of memory in bytes. A process inherits this figure from its parent, so it is never less than that of this
	// program, which therefore uses little memory.
	Resident int64 `json:"residentBytes"`
}

func (b *bench) out() string               { return filepath.Join(b.dir, "out") }
func (b *bench) path(name string) string   { return filepath.Join(b.dir, name) }
func (b *bench) volume() string            { return filepath.Join(b.out(), "volume") }
func (b *bench) fresh() error              { return errors.Join(os.RemoveAll(b.out()), os.MkdirAll(b.out(), 0o750)) }
func scaled(name string, f float64) string { return fmt.Sprintf("%s-%g", name, f) }

// timed runs a program and returns its figure. It first waits until the files of earlier programs are on the disk.
func timed(name string, args ...string) (figure, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return figure{}, err
	}
	var failed strings.Builder
	command := exec.Cmd{Path: path, Args: append([]string{name}, args...), Stderr: &failed}
	syscall.Sync()
	started := time.Now()
	err = command.Run()
	seconds := time.Since(started).Seconds()
	if err != nil {
		return figure{}, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, failed.String())
	}
	state := command.ProcessState
	f := figure{Seconds: seconds, CPU: (state.UserTime() + state.SystemTime()).Seconds()}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		f.Resident = usage.Maxrss << 10
	}
	return f, nil
}

// builds builds the mix, and again after a change of one domain's share.
func (b *bench) builds(originals string) (first, second figure, err error) {
	var figures [2]figure
	for i, share := range []int{4, 5} {
		if figures[i], err = b.build(originals, manifest(share, "")); err != nil {
			return first, second, err
		}
	}
	return figures[0], figures[1], nil
}

// build builds a manifest.
func (b *bench) build(originals, manifest string) (figure, error) {
	file := b.path("manifest.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		return figure{}, err
	}
	program, args := b.program, []string(nil)
	if b.group != "" {
		program, args = "sh", []string{"-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, b.group, b.program}
	}
	return timed(program, append(args, "build", "-f", file, "--data", b.volume(), "--claim", "corpus="+originals)...)
}

// against builds the plain mix and a mix with another output in turn, each on its own volume. It returns the medians of the other mix's builds
// and of their additional cost. The two builds of a pair run one after the other, so that other load affects both.
func (b *bench) against(originals, output string) (with figure, cost float64, err error) {
	var figures []figure
	var costs []float64
	for range b.runs {
		var pair [2]figure
		for i, output := range []string{"", output} {
			if err := b.fresh(); err != nil {
				return with, 0, err
			}
			if pair[i], err = b.build(originals, manifest(4, output)); err != nil {
				return with, 0, err
			}
		}
		figures, costs = append(figures, pair[1]), append(costs, pair[1].CPU/pair[0].CPU-1)
	}
	slices.Sort(costs)
	return median(figures), costs[len(costs)/2], nil
}

// measure runs all programs in turn, several times, and returns the medians.
func (b *bench) measure(name, originals, script string) (result, error) {
	r := result{Corpus: name, Bytes: sizeOf(originals)}
	var first, second, python, copied []figure
	for range b.runs {
		if err := b.fresh(); err != nil {
			return r, err
		}
		build, again, err := b.builds(originals)
		if err != nil {
			return r, err
		}
		plain, err := timed("python3", script, originals, filepath.Join(b.out(), "python"))
		if err != nil {
			return r, err
		}
		floor, err := timed("sh", "-c", `cat "$0"/* > /dev/null && cp -r "$1/bench/current/" "$2"`, originals, b.volume(), filepath.Join(b.out(), "copy"))
		if err != nil {
			return r, err
		}
		first, second, python, copied = append(first, build), append(second, again), append(python, plain), append(copied, floor)
	}
	var err error
	if r.Export, r.ExportCost, err = b.against(originals, rlExport); err != nil {
		return r, err
	}
	if r.Mixed, _, err = b.against(originals, mixedAlone); err != nil {
		return r, err
	}
	r.Build, r.Second, r.Python, r.Copy = median(first), median(second), median(python), median(copied)
	r.Faster, r.MixedFaster = r.Python.Seconds/r.Build.Seconds, r.Python.Seconds/r.Mixed.Seconds
	r.SecondShare = r.Second.Seconds / r.Build.Seconds
	return r, nil
}

// median returns the median of each measure.
func median(figures []figure) figure {
	pick := func(of func(figure) float64) float64 {
		values := make([]float64, len(figures))
		for i, f := range figures {
			values[i] = of(f)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return figure{
		Seconds:  pick(func(f figure) float64 { return f.Seconds }),
		CPU:      pick(func(f figure) float64 { return f.CPU }),
		Resident: int64(pick(func(f figure) float64 { return float64(f.Resident) })),
	}
}

// own measures this project's corpus and the plain pipeline of this project.
func (b *bench) own(scale float64) (result, error) {
	originals, script := b.path(scaled("corpus", scale)), b.path("pipeline.py")
	if _, err := corpus(originals, scale); err != nil {
		return result{}, err
	}
	if err := os.WriteFile(script, pipeline, 0o600); err != nil {
		return result{}, err
	}
	return b.measure(fmt.Sprintf("own corpus, scale %g", scale), originals, script)
}

// other measures the corpus and the pipeline of another project next to the checkout.
func (b *bench) other(scale float64) (result, error) {
	originals := b.path(scaled("other", scale))
	if sizeOf(originals) == 0 {
		if _, err := timed("python3", filepath.Join(b.elsewhere, "gen.py"), originals, "--scale", fmt.Sprint(scale)); err != nil {
			return result{}, err
		}
	}
	r, err := b.measure(fmt.Sprintf("other corpus, scale %g", scale), originals, filepath.Join(b.elsewhere, "reference.py"))
	if err != nil || b.polars == "" {
		return r, err
	}
	var peer, build []figure
	for range b.runs {
		if err := b.fresh(); err != nil {
			return r, err
		}
		mix, err := timed(b.polars, filepath.Join(b.elsewhere, "polars_mix.py"), originals, filepath.Join(b.out(), "polars"))
		if err != nil {
			return r, err
		}
		first, err := b.build(originals, manifest(4, ""))
		if err != nil {
			return r, err
		}
		peer, build = append(peer, mix), append(build, first)
	}
	polars := median(peer)
	r.Polars, r.PolarsFaster = &polars, polars.Seconds/median(build).Seconds
	return r, nil
}

// growth builds a corpus of another scale, several times, and returns the medians.
func (b *bench) growth(base result, scale float64) (*growth, error) {
	originals := b.path(scaled("corpus", scale))
	size, err := corpus(originals, scale)
	if err != nil {
		return nil, err
	}
	g := growth{Scale: scale, Bytes: size}
	var first, second []figure
	for range b.runs {
		if err := b.fresh(); err != nil {
			return nil, err
		}
		build, again, err := b.builds(originals)
		if err != nil {
			return nil, err
		}
		first, second = append(first, build), append(second, again)
	}
	g.Build, g.Second = median(first), median(second)
	g.Times = g.Build.Seconds / base.Build.Seconds
	if b.limit == 0 {
		return &g, nil
	}
	free, err := b.manifestDigest()
	if err != nil {
		return nil, err
	}
	if err := b.fresh(); err != nil {
		return nil, err
	}
	g.Limit = b.limit << 20
	if b.group, err = memoryGroup(g.Limit); err != nil {
		return nil, err
	}
	defer func() {
		os.Remove(b.group) // an empty group is of no harm
		b.group = ""
	}()
	if g.Limited, _, err = b.builds(originals); err != nil {
		return nil, err
	}
	limited, err := b.manifestDigest()
	g.Same = free == limited
	return &g, err
}

// manifestDigest returns the SHA-256 of the manifest of the last revision, which lists every file with its own digest.
func (b *bench) manifestDigest() (string, error) {
	content, err := os.ReadFile(filepath.Join(b.volume(), "bench", "current", "manifest.json"))
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), err
}

// memoryGroup creates a control group, of version 2 or 1, that limits the memory of its processes in bytes, including the cached pages of
// their files. It needs root.
func memoryGroup(limit int64) (string, error) {
	const root = "/sys/fs/cgroup"
	group, file := filepath.Join(root, "datasetmix-bench"), "memory.max"
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err != nil {
		group, file = filepath.Join(root, "memory", "datasetmix-bench"), "memory.limit_in_bytes"
	}
	if err := os.MkdirAll(group, 0o750); err != nil {
		return "", fmt.Errorf("a memory limit takes root and control groups: %w", err)
	}
	return group, os.WriteFile(filepath.Join(group, file), fmt.Appendln(nil, limit), 0o600)
}

// perf builds under the kernel's profiler, which sees hashing and copying in the kernel as well as the program's own functions.
func (b *bench) perf(scale float64) error {
	if err := b.fresh(); err != nil {
		return err
	}
	_, err := timed("perf", "record", "-g", "-F", "500", "-o", b.profile, b.program, "build", "-f", b.path("manifest.yaml"), "--data", b.volume(),
		"--claim", "corpus="+b.path(scaled("corpus", scale)))
	return err
}

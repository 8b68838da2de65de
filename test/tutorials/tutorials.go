// Package tutorials runs what README and the tutorials tell a reader to type, and compares what comes out with what they show.
package tutorials

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Step is a block of commands with what its page shows below it.
type Step struct {
	Page   string
	Line   int
	Marker string // what the comment above the block says
	Script string
	Want   string // empty where the page shows no output
}

func (s Step) String() string { return fmt.Sprintf("%s:%d", s.Page, s.Line) }

// Markers of a block of commands. A block without one is an error: its page has to say whether it is run.
const (
	Laptop  = "run"              // in a folder with the built programs in bin/; "run: exit 16" wants that code
	Hub     = "run with a Hub"   // as "run", where HF_ENDPOINT is a Hub with the six data sets and mix.yaml the sample of them
	Cluster = "run on a cluster" // by the tests of the real cluster
	Passed  = "not run: "        // and why
)

var (
	block = regexp.MustCompile("(?m)(?:^<!-- (.+) -->\n)?^```sh\n((?s:.*?))^```\n(?:\n```text\n((?s:.*?))^```\n)?")
	// alone is an output and the two lines above it.
	alone   = regexp.MustCompile("(?m)((?:.*\n){2})^```text\n")
	exit    = regexp.MustCompile(`^run: exit (\d+)$`)
	seconds = regexp.MustCompile(` *\b\d+\.\ds`)
	counter = regexp.MustCompile(`\b\d+/(\d+)\b`)
)

// Steps returns the blocks of commands of a page, in order.
func Steps(page, text string) ([]Step, error) {
	var steps []Step
	for _, at := range block.FindAllStringSubmatchIndex(text, -1) {
		part := func(i int) string {
			if at[2*i] < 0 {
				return ""
			}
			return text[at[2*i]:at[2*i+1]]
		}
		step := Step{page, 1 + strings.Count(text[:at[4]], "\n"), part(1), part(2), part(3)}
		if step.Marker != Laptop && step.Marker != Hub && step.Marker != Cluster && !exit.MatchString(step.Marker) && !strings.HasPrefix(step.Marker, Passed) {
			return nil, fmt.Errorf("%s: say above the block whether it is run: <!-- %s -->, <!-- %s -->, <!-- %s --> or <!-- %swhy -->", step, Laptop, Hub, Cluster, Passed)
		}
		steps = append(steps, step)
	}
	if got := strings.Count(text, "\n```sh\n"); got != len(steps) {
		return nil, fmt.Errorf("%s: %d blocks of commands were found, and it has %d", page, len(steps), got)
	}
	for _, before := range alone.FindAllStringSubmatch(text, -1) {
		if !strings.HasSuffix(before[1], "```\n\n") && !strings.Contains(before[1], "<!-- "+Passed) {
			return nil, fmt.Errorf("%s: an output comes right after the commands that print it, or below <!-- %swhy -->; this one is behind %q", page, Passed, before[1])
		}
	}
	return steps, nil
}

// OnLaptop reports whether a step needs no cluster.
func (s Step) OnLaptop() bool {
	return s.Marker == Laptop || s.Marker == Hub || exit.MatchString(s.Marker)
}

// Run runs a step with bash in a folder, and compares its exit code and its output.
func (s Step) Run(ctx context.Context, folder string, environment []string) error {
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", s.Script)
	command.Dir, command.Env = folder, environment
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); command.ProcessState == nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	want := 0
	if found := exit.FindStringSubmatch(s.Marker); found != nil {
		want, _ = strconv.Atoi(found[1])
	}
	if command.ProcessState.ExitCode() != want {
		return fmt.Errorf("%s: ended with %v, want exit code %d:\n%s%s", s, command.ProcessState, want, s.Script, out.String())
	}
	if missing := Differs(s.Want, out.String()); missing != "" {
		return fmt.Errorf("%s: the output lacks %q:\n%s", s, missing, out.String())
	}
	return nil
}

// Differs returns the first line of a shown output that was not printed, or nothing. A line "…" means any lines, "…" inside a
// line for any text; times and the order in which data sets end differ from run to run. Without a line "…" every line is shown.
func Differs(want, got string) string {
	if want == "" {
		return ""
	}
	printed := lines(got)
	shown := lines(want)
	all := true
	for _, line := range shown {
		if line == "…" {
			all = false
			continue
		}
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + "$")
		at := -1
		for i, candidate := range printed {
			if pattern.MatchString(candidate) {
				at = i
				break
			}
		}
		if at < 0 {
			return line
		}
		printed = append(printed[:at:at], printed[at+1:]...)
	}
	if all && len(printed) > 0 {
		return "nothing more than what is shown; there is " + printed[0]
	}
	return ""
}

// lines returns the lines of an output without times, counters, and blanks at their ends.
func lines(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		line = counter.ReplaceAllString(seconds.ReplaceAllString(strings.TrimRight(line, " \n"), " 0.0s"), "_/$1")
		if line != "" {
			all = append(all, line)
		}
	}
	return all
}

// Command mutants changes the code of packages one place at a time, with gremlins, and wants a test to fail for each change. A change
// that no test can notice, because the program does the same with it, is named in equivalent.txt with the reason; any other survivor
// is an error.
//
//	go run ./hack/mutants internal/mix internal/extsort
package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

//go:embed equivalent.txt
var equivalents string

// mutant is one change, identified by its kind and by the line of code that it changes, since line numbers move.
type mutant struct{ file, kind, line string }

// report is the report of gremlins about one package.
type report struct {
	Files []struct {
		Name      string `json:"file_name"`
		Mutations []mutation
	}
}

type mutation struct {
	Type, Status string
	Line, Column int
}

// The statuses of a mutant in gremlins.
const (
	killed     = "KILLED"
	lived      = "LIVED"
	timedOut   = "TIMED OUT"
	notViable  = "NOT VIABLE"
	notCovered = "NOT COVERED"
)

// within returns the name of a file from the root of the checkout, which gremlins gives from there or from the package's folder.
func within(pkg, file string) string {
	if strings.HasPrefix(file, pkg) {
		return file
	}
	return filepath.Join(pkg, file)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, packages []string) error {
	known, err := parse(equivalents)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := copyTree(ctx, folder); err != nil {
		return err
	}
	var failed error
	for _, pkg := range packages {
		found, err := unleash(ctx, folder, pkg)
		if err != nil {
			return fmt.Errorf("%s: %w", pkg, err)
		}
		failed = errors.Join(failed, judge(pkg, found, known, func(file string) ([]string, error) {
			content, err := os.ReadFile(filepath.Join(folder, file))
			return strings.Split(string(content), "\n"), err
		}))
	}
	return failed
}

// copyTree copies the files of the checkout: gremlins copies the whole folder for each of its workers, programs and images included.
func copyTree(ctx context.Context, to string) error {
	list, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("listing the files of the checkout: %w", err)
	}
	command := exec.CommandContext(ctx, "xargs", "-0", "cp", "--parents", "-t", to)
	command.Stdin = bytes.NewReader(list)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("copying the files of the checkout: %w: %s", err, out)
	}
	return nil
}

// unleash runs gremlins over one package.
func unleash(ctx context.Context, folder, pkg string) (report, error) {
	// gremlins takes the time of the first run for that of all, and waits ten times as long for each; it shall not be that of compiling.
	if out, err := goTest(ctx, folder, pkg, "-cover"); err != nil {
		return report{}, fmt.Errorf("the tests fail without a change: %w\n%s", err, out)
	}
	out := filepath.Join(folder, "mutants.json")
	command := exec.CommandContext(ctx, "gremlins", "unleash", "./"+pkg, "--output", out, "--output-statuses", "t", "--timeout-coefficient", "10")
	command.Dir = folder
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return report{}, err
	}
	content, err := os.ReadFile(out)
	if err != nil {
		return report{}, err
	}
	var found report
	if err := json.Unmarshal(content, &found); err != nil {
		return report{}, err
	}
	start := time.Now()
	if out, err := goTest(ctx, folder, pkg); err != nil {
		return report{}, fmt.Errorf("the tests fail without a change: %w\n%s", err, out)
	}
	return found, tryUncovered(ctx, folder, pkg, found, 10*time.Since(start))
}

// judge prints a line for a package, and returns an error that lists the survivors that are not known to be equivalent, and the known
// ones whose line there is no more.
func judge(pkg string, found report, known map[mutant]string, lines func(file string) ([]string, error)) error {
	dead, slow, equal := 0, 0, 0
	var problems []error
	for _, file := range found.Files {
		name := within(pkg, file.Name)
		text, err := lines(name)
		if err != nil {
			return err
		}
		for _, m := range file.Mutations {
			switch m.Status {
			case timedOut:
				slow++
				fallthrough
			case killed, notViable:
				dead++
				continue
			}
			at := mutant{name, m.Type, strings.TrimSpace(text[m.Line-1])}
			twin := at // gremlins counts a minus between two numbers twice
			if twin.kind == "INVERT_NEGATIVES" {
				twin.kind = "ARITHMETIC_BASE"
			}
			if known[at] != "" || known[twin] != "" {
				equal++
				continue
			}
			problems = append(problems, fmt.Errorf("%s:%d:%d: %s: %s: %s", name, m.Line, m.Column, m.Type, strings.ToLower(m.Status), at.line))
		}
		for at := range known {
			if at.file == name && !contains(text, at.line) {
				problems = append(problems, fmt.Errorf("equivalent.txt names a line that %s has no more: %s", name, at.line))
			}
		}
	}
	if dead == 0 {
		problems = append(problems, errors.New("no mutant was killed: the package is not read right"))
	}
	fmt.Printf("%s: %d mutants killed, %d of them by the time that they took; %d equivalent, %d survived: %.1f %% of those that a test can notice\n",
		pkg, dead, slow, equal, len(problems), 100*float64(dead)/max(1, float64(dead+len(problems))))
	return errors.Join(problems...)
}

func contains(lines []string, line string) bool {
	for _, l := range lines {
		if strings.TrimSpace(l) == line {
			return true
		}
	}
	return false
}

// parse reads the list of equivalent mutants: a line "file KIND: line of code" and, below it and indented, the reason.
func parse(list string) (map[mutant]string, error) {
	known := map[mutant]string{}
	var last mutant
	scanner := bufio.NewScanner(strings.NewReader(list))
	for number := 1; scanner.Scan(); number++ {
		line := scanner.Text()
		head, code, ok := strings.Cut(line, ": ")
		file, kind, two := strings.Cut(head, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "  "):
			known[last] = strings.TrimSpace(known[last] + " " + strings.TrimSpace(line))
		case !ok || !two:
			return nil, fmt.Errorf("equivalent.txt:%d: want \"file KIND: line of code\"", number)
		default:
			last = mutant{file, kind, code}
			known[last] = ""
		}
	}
	for at, why := range known {
		if why == "" {
			return nil, fmt.Errorf("equivalent.txt: no reason for %s %s: %s", at.file, at.kind, at.line)
		}
	}
	return known, nil
}

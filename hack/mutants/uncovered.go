package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// swaps are the operators that gremlins exchanges, by kind. Longer ones come first, since < is also the beginning of <=.
var swaps = map[string][][2]string{
	"ARITHMETIC_BASE":       {{"+", "-"}, {"-", "+"}, {"*", "/"}, {"/", "*"}, {"%", "*"}},
	"CONDITIONALS_BOUNDARY": {{"<=", "<"}, {">=", ">"}, {"<", "<="}, {">", ">="}},
	"CONDITIONALS_NEGATION": {{"==", "!="}, {"!=", "=="}, {"<=", ">"}, {">=", "<"}, {"<", ">="}, {">", "<="}},
	"INCREMENT_DECREMENT":   {{"++", "--"}, {"--", "++"}},
	"INVERT_NEGATIVES":      {{"-", "+"}},
}

// swap returns a source with the operator at a line and column, both from 1, exchanged as gremlins exchanges it.
func swap(source []byte, kind string, line, column int) ([]byte, error) {
	lines := bytes.SplitAfter(source, []byte("\n"))
	if line > len(lines) || column > len(lines[line-1]) {
		return nil, fmt.Errorf("there is no place %d:%d", line, column)
	}
	before, after := lines[line-1][:column-1], string(lines[line-1][column-1:])
	for _, operator := range swaps[kind] {
		if rest, found := strings.CutPrefix(after, operator[0]); found {
			lines[line-1] = append(bytes.Clone(before), operator[1]+rest...)
			return bytes.Join(lines, nil), nil
		}
	}
	return nil, fmt.Errorf("%s does not change %.2q at %d:%d", kind, after, line, column)
}

// tryUncovered runs the tests with each mutant that gremlins passes over, and notes what became of it. Go's coverage knows neither the
// conditions of cases nor constants, so gremlins takes them to be uncovered, where every test may reach them.
func tryUncovered(ctx context.Context, folder, pkg string, found report, patience time.Duration) error {
	for i := range found.Files {
		name := filepath.Join(folder, within(pkg, found.Files[i].Name))
		for j := range found.Files[i].Mutations {
			m := &found.Files[i].Mutations[j]
			if m.Status != notCovered {
				continue
			}
			var err error
			if m.Status, err = try(ctx, folder, pkg, name, *m, patience); err != nil {
				return err
			}
		}
	}
	return nil
}

// try returns the status of one mutant.
func try(ctx context.Context, folder, pkg, name string, m mutation, patience time.Duration) (string, error) {
	source, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	changed, err := swap(source, m.Type, m.Line, m.Column)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if err := os.WriteFile(name, changed, 0o600); err != nil {
		return "", err
	}
	out, failed := goTest(ctx, folder, pkg, "-timeout", patience.String())
	status := lived
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case failed != nil && bytes.Contains(out, []byte("panic: test timed out")):
		status = timedOut
	case failed != nil && bytes.Contains(out, []byte("[build failed]")):
		status = notViable
	case failed != nil:
		status = killed
	}
	return status, os.WriteFile(name, source, 0o600)
}

// goTest runs the tests of a package.
func goTest(ctx context.Context, folder, pkg string, flags ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", append(append([]string{"test", "-count=1"}, flags...), "./"+pkg)...)
	command.Dir = folder
	return command.CombinedOutput()
}

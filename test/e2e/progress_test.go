package e2e

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// TestProgress: the command follows a build to its end by the object's status and the logs of its pods; no percentage ever falls, and 100 is
// the end.
func TestProgress(t *testing.T) {
	e := newCluster(t)
	mix := e.sixDataSets()
	e.must(e.Create(t.Context(), mix))
	command := exec.CommandContext(t.Context(), thisCommand, "status", mix.Name, "--kubeconfig", kubeconfig, "-n", e.namespace, "-w", "--timeout", patience.String(), "--progress", "json")
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.StdoutPipe()
	e.must(err)
	e.must(command.Start())
	percent, units := 0, map[string]int{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var change struct {
			Stage, Unit, State, Text string
			Percent                  int
		}
		if err := json.Unmarshal(lines.Bytes(), &change); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		switch {
		case change.Unit != "":
			if change.Percent < units[change.Stage+" "+change.Unit] {
				t.Errorf("it falls: %s", lines.Text())
			}
			units[change.Stage+" "+change.Unit] = change.Percent
		case change.Stage == "":
			if change.Percent < percent || change.Text != "" {
				t.Errorf("after %d percent: %s", percent, lines.Text())
			}
			percent = change.Percent
		}
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("%v: %s", err, problems.String())
	}
	if percent != 100 {
		t.Errorf("it ends with %d percent", percent)
	}
	t.Logf("the logs told of %d units: %v", len(units), units)
	for _, unit := range []string{"download gsm8k", "split squad2"} {
		if units[unit] != 100 {
			t.Errorf("%s is at %d percent in the logs", unit, units[unit])
		}
	}
	table, err := exec.CommandContext(t.Context(), "../../bin/kubectl", "--kubeconfig", kubeconfig, "get", "dmix", "-n", e.namespace, "-o", "wide").CombinedOutput()
	e.must(err)
	if !strings.Contains(string(table), "PERCENT") || !strings.Contains(string(table), " 100 ") {
		t.Errorf("kubectl get -o wide:\n%s", table)
	}
}

package monitoring

import (
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

const config = "../../config/prometheus/"

// foreign are metrics of other programs.
var foreign = map[string]bool{
	"up": true, "controller_runtime_reconcile_total": true, "controller_runtime_reconcile_errors_total": true, "controller_runtime_reconcile_time_seconds_bucket": true,
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// known returns the manager's metrics: docs/metrics.md, which a test of the manager's keeps true.
func known(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, match := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\|").FindAllStringSubmatch(string(read(t, "../../docs/metrics.md")), -1) {
		names[match[1]] = true
		if match[2] == "histogram" {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				names[match[1]+part] = true
			}
		}
	}
	if len(names) < 10 {
		t.Fatalf("docs/metrics.md has %d metrics", len(names))
	}
	return names
}

// check parses an expression and looks its metrics up.
func check(t *testing.T, where, expression string) {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	names := known(t)
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok && !names[selector.Name] && !foreign[selector.Name] {
			t.Errorf("%s: nobody writes the metric %s", where, selector.Name)
		}
		return nil
	})
}

// alerts returns the rules in the PrometheusRule, read as Prometheus reads them.
func alerts(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	var object struct {
		Spec any `json:"spec"`
	}
	if err := yaml.Unmarshal(read(t, config+"alerts.yaml"), &object); err != nil {
		t.Fatal(err)
	}
	rules, err := yaml.Marshal(object.Spec)
	if err != nil {
		t.Fatal(err)
	}
	groups, problems := rulefmt.Parse(rules, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, problem := range problems {
		t.Error(problem)
	}
	found := map[string]rulefmt.Rule{}
	if groups == nil {
		t.Fatal("the alerts cannot be read")
	}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			found[rule.Alert] = rule
		}
	}
	return found
}

func TestAlertsAreRulesOfKnownMetrics(t *testing.T) {
	for name, rule := range alerts(t) {
		check(t, name, rule.Expr)
		if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
			t.Errorf("%s says too little: %v, %v", name, rule.Labels, rule.Annotations)
		}
	}
}

type panel struct {
	ID         int               `json:"id"`
	GridPos    map[string]int    `json:"gridPos"`
	Datasource map[string]string `json:"datasource"`
	Targets    []struct {
		Expr string `json:"expr"`
	} `json:"targets"`
}

// TestDashboard: what Grafana needs to show it, and that no panel is empty for a wrong name or lies on another.
func TestDashboard(t *testing.T) {
	var dashboard struct {
		UID           string  `json:"uid"`
		Title         string  `json:"title"`
		SchemaVersion int     `json:"schemaVersion"`
		Panels        []panel `json:"panels"`
		Templating    struct {
			List []struct {
				Name string `json:"name"`
			} `json:"list"`
		} `json:"templating"`
	}
	if err := json.Unmarshal(read(t, config+"dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.UID == "" || dashboard.Title == "" || dashboard.SchemaVersion < 30 || len(dashboard.Panels) < 10 {
		t.Errorf("dashboard %q %q of schema %d with %d panels", dashboard.UID, dashboard.Title, dashboard.SchemaVersion, len(dashboard.Panels))
	}
	set := []string{"$__rate_interval", "5m"}
	for _, variable := range dashboard.Templating.List {
		set = append(set, "$"+variable.Name, "x")
	}
	variables := strings.NewReplacer(set...)
	ids, cells := map[int]bool{}, map[[2]int]int{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || len(p.Targets) == 0 || p.Datasource["uid"] != "${datasource}" {
			t.Errorf("panel %d: its id is not its own, or it has no target, or no data source", p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos["x"]; x < p.GridPos["x"]+p.GridPos["w"]; x++ {
			for y := p.GridPos["y"]; y < p.GridPos["y"]+p.GridPos["h"]; y++ {
				if other, taken := cells[[2]int{x, y}]; taken || x > 23 {
					t.Fatalf("panel %d lies on panel %d, or beside the dashboard", p.ID, other)
				}
				cells[[2]int{x, y}] = p.ID
			}
		}
		for _, target := range p.Targets {
			expression := variables.Replace(target.Expr)
			if strings.Contains(expression, "$") {
				t.Errorf("panel %d: nobody sets a variable of %s", p.ID, expression)
				continue
			}
			check(t, "a panel", expression)
		}
	}
}

// Package argocd tests the health check that Argo CD runs on a DatasetMix. Its files have the layout in which Argo CD's own
// repository keeps such checks.
package argocd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
	"sigs.k8s.io/yaml"
)

const folder = "resource_customizations/data.datasetmix.io/DatasetMix"

type health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// judge runs the script on an object as Argo CD does: the object is the global obj, and of the libraries there are few.
func judge(t *testing.T, object map[string]any) health {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(folder, "health.lua"))
	if err != nil {
		t.Fatal(err)
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable, lua.StringLibName: lua.OpenString} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(string(script)); err != nil {
		t.Fatal(err)
	}
	result, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("the script returns %s, not a table", state.Get(-1).Type())
	}
	return health{lua.LVAsString(result.RawGetString("status")), lua.LVAsString(result.RawGetString("message"))}
}

// value returns what a JSON value is in Lua.
func value(state *lua.LState, of any) lua.LValue {
	switch of := of.(type) {
	case map[string]any:
		table := state.NewTable()
		for name, field := range of {
			table.RawSetString(name, value(state, field))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range of {
			table.Append(value(state, item))
		}
		return table
	case string:
		return lua.LString(of)
	case float64:
		return lua.LNumber(of)
	case bool:
		return lua.LBool(of)
	default:
		return lua.LNil
	}
}

// TestHealth runs the cases of health_test.yaml, which Argo CD's own test would run.
func TestHealth(t *testing.T) {
	var cases struct {
		Tests []struct {
			HealthStatus health `json:"healthStatus"`
			InputPath    string `json:"inputPath"`
		} `json:"tests"`
	}
	read(t, "health_test.yaml", &cases)
	states, err := filepath.Glob(filepath.Join(folder, "testdata/*.yaml"))
	if err != nil || len(states) != len(cases.Tests) || len(states) == 0 {
		t.Fatalf("there are %d states and %d cases: %v", len(states), len(cases.Tests), err)
	}
	for _, test := range cases.Tests {
		t.Run(filepath.Base(test.InputPath), func(t *testing.T) {
			var object map[string]any
			read(t, test.InputPath, &object)
			if diff := cmp.Diff(test.HealthStatus, judge(t, object)); diff != "" {
				t.Errorf("health (-want +got):\n%s", diff)
			}
		})
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

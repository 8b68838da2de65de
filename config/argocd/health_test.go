// Package argocd tests the health check that Argo CD runs on a DatasetMix.
package argocd

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
	"sigs.k8s.io/yaml"
)

type health struct{ Status, Message string }

// judge runs the script on an object as Argo CD does: the object is the global obj, and of the libraries there are few.
func judge(t *testing.T, manifest string) health {
	t.Helper()
	script, err := os.ReadFile("health.lua")
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := yaml.Unmarshal([]byte(manifest), &object); err != nil {
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
		t.Fatalf("the script gives %s, not a table", state.Get(-1).Type())
	}
	return health{lua.LVAsString(result.RawGetString("status")), lua.LVAsString(result.RawGetString("message"))}
}

// value is what a JSON value is in Lua.
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

// manifest is a DatasetMix of generation 2 with conditions: type, status, reason and message, of generation 2 unless a fifth
// word says otherwise.
func manifest(conditions ...string) string {
	text := "metadata: {name: m, generation: 2}\n"
	if len(conditions) == 0 {
		return text
	}
	var list strings.Builder
	for _, condition := range conditions {
		words := append(strings.Split(condition, "|"), "2")
		fmt.Fprintf(&list, "  - {type: %s, status: %q, reason: %s, message: %q, observedGeneration: %s}\n", words[0], words[1], words[2], words[3], words[4])
	}
	return text + "status:\n  observedGeneration: -1\n  conditions:\n" + list.String()
}

func TestHealth(t *testing.T) {
	tests := []struct {
		name string
		mix  string
		want health
	}{
		{name: "before the operator saw it", mix: manifest(), want: health{"Progressing", "The operator has not looked at it yet."}},
		{name: "with the default status alone", mix: "metadata: {generation: 1}\nstatus: {observedGeneration: -1}", want: health{"Progressing", "The operator has not looked at it yet."}},
		{name: "published", mix: manifest("Ready|True|Published|Revision r is published."), want: health{"Healthy", "Revision r is published."}},
		{name: "published, of an earlier spec", mix: manifest("Ready|True|Published|Revision r is published.|1"),
			want: health{"Progressing", "The operator has not looked at the newest spec yet."}},
		{name: "under way", mix: manifest("Ready|Unknown|Progressing|Stage split: 1 of 6 done.", "Reconciling|True|Progressing|Stage split: 1 of 6 done."),
			want: health{"Progressing", "Progressing: Stage split: 1 of 6 done."}},
		{name: "in a queue", mix: manifest("Ready|Unknown|Queued|It waits.", "Reconciling|True|Queued|It waits."), want: health{"Progressing", "Queued: It waits."}},
		{name: "tried again", mix: manifest("Ready|Unknown|ProgressingWithRetry|No route.", "Reconciling|True|ProgressingWithRetry|No route."),
			want: health{"Progressing", "ProgressingWithRetry: No route."}},
		{name: "stalled", mix: manifest("Ready|False|SourceNotFound|No such revision.", "Stalled|True|SourceNotFound|No such revision."),
			want: health{"Degraded", "SourceNotFound: No such revision."}},
		{name: "stalled, of an earlier spec", mix: manifest("Ready|False|SourceNotFound|No such revision.|1", "Stalled|True|SourceNotFound|No such revision.|1"),
			want: health{"Progressing", "The operator has not looked at the newest spec yet."}},
		{name: "suspended", mix: manifest("Ready|False|Suspended|Stage split comes next."), want: health{"Suspended", "Stage split comes next."}},
		{name: "going", mix: "metadata: {generation: 2, deletionTimestamp: \"2026-01-01T00:00:00Z\"}", want: health{"Progressing", "It is being deleted."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, judge(t, test.mix)); diff != "" {
				t.Errorf("health (-want +got):\n%s", diff)
			}
		})
	}
}

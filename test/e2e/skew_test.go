package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestVersionSkew: every verb that asks a cluster does all of its work where manager and workers are of the previous commit, and so does every verb of the
// previous commit's command where they are of this one. PREVIOUS=v1.2.3 make previous takes a release in the place of the commit.
func TestVersionSkew(t *testing.T) {
	const older = "../../dist/previous/kubectl-datasetmix"
	if _, err := os.Stat(older); err != nil {
		t.Skip("there is no command of the previous commit (dist/previous); make e2e builds one where there is a history")
	}
	e := newCluster(t)
	folder := t.TempDir()
	of := people{cluster: e, environment: append(os.Environ(), "KUBECONFIG="+e.kubeconfig(folder)), program: thisCommand}
	try := filepath.Join(folder, "try")
	of.run("example", try)
	text, err := os.ReadFile(filepath.Join(try, "mix.yaml"))
	e.must(err)
	mix := e.parse(strings.Replace(string(text), "volume: {claimName: datasets}", "volume: {claimTemplate: {accessModes: [ReadWriteOnce], size: 256Mi}}", 1))

	e.runs(t.Context(), previousImage)
	t.Cleanup(func() { e.runs(context.Background(), "datasetmix:dev") })
	of.run("put", "examples", "--create", "--size", "64Mi", filepath.Join(try, "arithmetic.jsonl"), filepath.Join(try, "functions.jsonl"), filepath.Join(try, "capitals.jsonl"))
	e.must(e.Create(t.Context(), mix))
	t.Run("an older manager", func(t *testing.T) { of.testing(t).everyVerb(mix.Name) })

	e.runs(t.Context(), "datasetmix:dev")
	e.must(e.Patch(t.Context(), mix, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"seed":7}}`))))
	of.program = older
	of.run("put", "examples", "--to", "again", filepath.Join(try, "capitals.jsonl"))
	t.Run("a newer manager", func(t *testing.T) { of.testing(t).everyVerb(mix.Name) })
}

// testing returns the same user for a part of the test.
func (p people) testing(t *testing.T) people {
	p.cluster = p.in(t)
	return p
}

// everyVerb follows a mix until it is ready, and asks about it in every way.
func (p people) everyVerb(mix string) {
	p.Helper()
	to := p.TempDir()
	p.run("wait", mix, "--timeout", "3m")
	rows := filepath.Join(to, "train.jsonl")
	for _, verb := range []struct {
		line  string
		shows string
	}{
		{"status " + mix, "Ready"}, {"status " + mix + " -w --timeout 1m", "Ready"}, {"status " + mix + " -o wide", "publish"}, {"status " + mix + " -o yaml", "kind: DatasetMix"},
		{"logs " + mix, "publish"}, {"events " + mix, "Published"}, {"version", "anager"},
		{"plan " + mix, "train"}, {"plan " + mix + " --look", "MOST REPEATED"}, {"diff datasetmix/" + mix + " datasetmix/" + mix, "the same"},
		{"report " + mix + " -o text", mix}, {"report " + mix + " --to " + filepath.Join(to, "report.html"), ""}, {"report " + mix + " --bundle --to " + filepath.Join(to, "bundle.zip"), "mix.yaml"},
		{"get " + mix + " head --rows 2", `"dataset"`}, {"get " + mix + " sample --rows 3", `"dataset"`}, {"get " + mix + " count", "arithmetic"}, {"get " + mix + " export --to " + rows, ""},
	} {
		if out := p.run(strings.Fields(verb.line)...); !strings.Contains(out, verb.shows) {
			p.Errorf("%s shows no %q:\n%s", verb.line, verb.shows, out)
		}
	}
	p.noErrands()
	if info, err := os.Stat(rows); err != nil || info.Size() == 0 {
		p.Errorf("get export: %v", err)
	}
}

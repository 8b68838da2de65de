package gitops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const (
	sample = "../../config/samples/gitops/flux.yaml"
	states = "../../config/argocd/resource_customizations/data.datasetmix.io/DatasetMix/testdata"
)

// judgements are what kstatus, which Flux asks without expressions, and the sample's expressions have to make of every state that
// an API server returns. The schema gives each object a status, so the state "new" is seen by nothing but tests.
var judgements = map[string]struct{ kstatus, expressions status.Status }{
	"defaulted":                {status.InProgressStatus, status.InProgressStatus},
	"published":                {status.CurrentStatus, status.CurrentStatus},
	"edited-after-publication": {status.InProgressStatus, status.InProgressStatus},
	"building":                 {status.InProgressStatus, status.InProgressStatus},
	"queued":                   {status.InProgressStatus, status.InProgressStatus},
	"retrying":                 {status.InProgressStatus, status.InProgressStatus},
	"waiting-for-volume":       {status.InProgressStatus, status.InProgressStatus},
	"stalled":                  {status.FailedStatus, status.FailedStatus},
	"edited-after-a-stall":     {status.InProgressStatus, status.InProgressStatus},
	"suspended":                {status.InProgressStatus, status.FailedStatus},
	"deleted":                  {status.TerminatingStatus, status.CurrentStatus},
}

// kustomizations reads the sample with Flux's own types, and takes no field that they have not.
func kustomizations(t *testing.T) []kustomizev1.Kustomization {
	t.Helper()
	content, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	var all []kustomizev1.Kustomization
	for _, document := range strings.Split(string(content), "\n---\n") {
		var one kustomizev1.Kustomization
		if err := yaml.UnmarshalStrict([]byte(document), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// TestFluxJudgesEveryState: the states are those of Argo CD's test.
func TestFluxJudgesEveryState(t *testing.T) {
	checks := kustomizations(t)[0].Spec.HealthCheckExprs
	if len(checks) != 1 {
		t.Fatalf("the sample has %d checks", len(checks))
	}
	evaluator, err := cel.NewStatusEvaluator(&checks[0].HealthCheckExpressions)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(states, "*.yaml"))
	if err != nil || len(files) != len(judgements)+1 {
		t.Fatalf("there are %d states for %d judgements: %v", len(files), len(judgements), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if name == "new" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			object := &unstructured.Unstructured{}
			if json, err := yaml.YAMLToJSON(content); err != nil {
				t.Fatal(err)
			} else if err := object.UnmarshalJSON(json); err != nil { // whole numbers become int64, as a client has them
				t.Fatal(err)
			}
			want, known := judgements[name]
			if !known {
				t.Fatal("the table has no judgement of it")
			}
			plain, err := status.Compute(object)
			if err != nil {
				t.Fatal(err)
			}
			if plain.Status != want.kstatus {
				t.Errorf("kstatus: %s (%s), want %s", plain.Status, plain.Message, want.kstatus)
			}
			evaluated, err := evaluator.Evaluate(t.Context(), object)
			if err != nil {
				t.Fatal(err)
			}
			if evaluated.Status != want.expressions {
				t.Errorf("expressions: %s, want %s", evaluated.Status, want.expressions)
			}
		})
	}
}

// TestTheTrainingsWait: the second Kustomization depends on the first, which waits.
func TestTheTrainingsWait(t *testing.T) {
	all := kustomizations(t)
	if !all[0].Spec.Wait || len(all) != 2 || len(all[1].Spec.DependsOn) != 1 || all[1].Spec.DependsOn[0].Name != all[0].Name {
		t.Errorf("%+v", all)
	}
}

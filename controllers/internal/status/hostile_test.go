package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/config/crd"
	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/outcome"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// nasty are texts that a Hub, a card, a row or a pod may say.
var nasty = []string{
	"", " ", "x", strings.Repeat("apache-2.0, ", 25), strings.Repeat("ä", 300), strings.Repeat("\x1b[31m", 4000), "a\nb\r\x00\u202e\u2066\u009b31m",
	"\xff\xfe", "../../elsewhere", "/", strings.Repeat("🙂", 40_000), "UPPER lower.-_:,", "a,",
}

// hostile returns a value of each kind that no worker reports, or that is at the edge of what one may.
func hostile(kind reflect.Type) []reflect.Value {
	var out []reflect.Value
	switch kind.Kind() {
	case reflect.String:
		for _, text := range nasty {
			out = append(out, reflect.ValueOf(text).Convert(kind))
		}
	case reflect.Int, reflect.Int64:
		for _, n := range []int64{-1, 0, 1 << 31, 1 << 45, 1 << 48, 1<<48 + 1, 1 << 53, math.MaxInt64, math.MinInt64} {
			out = append(out, reflect.ValueOf(n).Convert(kind))
		}
	case reflect.Slice:
		out = append(out, reflect.Zero(kind), reflect.MakeSlice(kind, 0, 0), reflect.MakeSlice(kind, 1, 1), reflect.MakeSlice(kind, 5000, 5000))
	case reflect.Map:
		large := reflect.MakeMap(kind)
		for i := range 5000 {
			large.SetMapIndex(reflect.ValueOf(fmt.Sprint("reason", i)), reflect.Zero(kind.Elem()))
		}
		out = append(out, reflect.Zero(kind), large)
		for _, text := range nasty {
			one := reflect.MakeMap(kind)
			one.SetMapIndex(reflect.ValueOf(text), reflect.Zero(kind.Elem()))
			out = append(out, one)
		}
		negative := reflect.MakeMap(kind)
		negative.SetMapIndex(reflect.ValueOf("where"), reflect.ValueOf(int64(-3)))
		out = append(out, negative)
	}
	return out
}

// spoilEach calls try with each part of a value in turn spoiled, by each hostile value, and gives the part its own value back.
func spoilEach(v reflect.Value, at string, try func(what string)) {
	if v.Kind() == reflect.Pointer {
		if !v.IsNil() {
			spoilEach(v.Elem(), at, try)
		}
		return
	}
	own := reflect.New(v.Type()).Elem()
	own.Set(v)
	for i, bad := range hostile(v.Type()) {
		v.Set(bad)
		try(fmt.Sprintf("%s, value %d", at, i))
		v.Set(own)
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			spoilEach(v.Field(i), at+"."+v.Type().Field(i).Name, try)
		}
	case reflect.Slice:
		if v.Len() > 0 {
			spoilEach(v.Index(0), at+"[0]", try)
		}
	}
}

// refusedStatus returns what the API server would say of the status of a scope.
func refusedStatus(t *testing.T, v *crd.Validator, b builder) error {
	t.Helper()
	mix := b.Mix.DeepCopy()
	mix.Status = b.status(fixture.At(100))
	mix.TypeMeta = metav1.TypeMeta{APIVersion: datav1alpha1.GroupVersion.String(), Kind: "DatasetMix"}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(mix)
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	for _, refused := range v.Validate(t.Context(), object) {
		if strings.HasPrefix(refused.Field, "status") {
			errs = append(errs, refused)
		}
	}
	return errors.Join(errs...)
}

// full returns a finished build whose workers report everything that they may, read as the controller reads it.
func full(change func(*recipe.Recipe), licence, file string) builder {
	b := small().with(change)
	for range pipeline.Stages() {
		b.finish(1)
		for key, result := range b.Ledger.Results {
			if d := result.Download; d != nil {
				d.Revision, d.License = strings.Repeat("a", 40), licence
				d.Listed = []pipeline.OriginalFile{{Path: file, Size: 3, SHA256: strings.Repeat("b", 64)}}
			}
			if s := result.Split; s != nil {
				s.Bad = []string{"train.jsonl, row 3: no answer"}
			}
			if m := result.Mix; m != nil && b.Target.Recipe.Measured() {
				m.Datasets = []pipeline.MixedDataset{{Unique: 9, MaxRepeats: 3, Units: 100}, {Unique: 17, MaxRepeats: 4, Units: 300}}
			}
			message, err := reported(pipeline.StageDownload, pipeline.Node{Key: key}, result)
			if err != nil {
				panic(err)
			}
			b.Ledger.Results[key] = *message.Result
		}
		b.Walk()
	}
	return b
}

// TestNoReportKeepsTheStatusFromBeingWritten: whatever a worker reports, it is refused as no result, or the status that is made of it
// is one that the API server takes.
func TestNoReportKeepsTheStatusFromBeingWritten(t *testing.T) {
	v, err := crd.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*recipe.Recipe){
		"rows":              func(*recipe.Recipe) {},
		"bytes, with draws": func(r *recipe.Recipe) { r.Unit, r.Resample = recipe.InBytes, recipe.WithReplacement },
	} {
		b := full(change, "mit", "train.jsonl")
		if b.Target.Err != nil || b.Target.Graph.Published == nil {
			t.Fatalf("%s: the honest build ends with %v", name, b.Target.Err)
		}
		if err := refusedStatus(t, v, b); err != nil {
			t.Fatalf("%s: the honest status: %v", name, err)
		}
		taken, refused := 0, 0
		for _, step := range b.Target.Graph.Steps {
			unit := step.Nodes[0]
			honest := b.Ledger.Results[unit.Key]
			spoilEach(reflect.ValueOf(&honest), string(step.Stage), func(what string) {
				message, err := reported(step.Stage, unit, honest)
				if err != nil {
					refused++
					return
				}
				taken++
				own := b.Ledger.Results[unit.Key]
				b.Ledger.Results[unit.Key] = *message.Result
				b.Walk()
				b.end = nil
				if b.Target.Err != nil || b.Target.Graph.Next() != nil {
					b.end = outcome.Stall(datav1alpha1.ReasonPlanMismatch, outcome.Sentence(fmt.Sprint(b.Target.Err)))
				}
				if err := refusedStatus(t, v, b); err != nil {
					t.Errorf("%s, %s: %v", name, what, err)
				}
				b.Ledger.Results[unit.Key] = own
			})
		}
		if taken < 50 || refused < 50 {
			t.Errorf("%s: %d results were taken and %d refused; does the test still spoil them?", name, taken, refused)
		}
	}
}

// reported returns a result as the controller reads it out of a pod.
func reported(stage pipeline.Stage, unit pipeline.Node, result pipeline.Result) (contract.Message, error) {
	encoded, err := json.Marshal(contract.Message{Version: contract.MessageVersion, Stage: stage, Node: unit, Result: &result})
	if err != nil {
		return contract.Message{}, err
	}
	return contract.ParseMessage(encoded)
}

// TestNastyLicence: a card with a licence of any length and kind does not keep a mix from being Ready.
func TestNastyLicence(t *testing.T) {
	v, err := crd.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range nasty {
		b := full(func(*recipe.Recipe) {}, text, text)
		if err := refusedStatus(t, v, b); err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
		if ready := b.status(fixture.At(100)).Conditions[0]; ready.Status != metav1.ConditionTrue {
			t.Errorf("%.20q: %+v", text, ready)
		}
	}
}

// TestNastyFailure: whatever a pod says of its failure, the conditions are ones that the API server takes, and the Event too.
func TestNastyFailure(t *testing.T) {
	v, err := crd.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range nasty {
		for _, reason := range append([]string{string(contract.InvalidData)}, nasty...) {
			encoded, err := json.Marshal(contract.Message{Version: contract.MessageVersion, Failure: &contract.FailureNote{Reason: contract.Reason(reason), Message: text}})
			if err != nil {
				t.Fatal(err)
			}
			note := jobs.Failed(&fixture.NewPod("p").Ended(16, text, string(encoded)).Pod)
			b := small()
			b.job(1, batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: "True", Reason: batchv1.JobReasonPodFailurePolicy, Message: text}}})
			b.Ledger.Failures[b.Jobs[0].Name] = *note
			b = b.ends(outcome.Failed(b.Build.Build, b.Target.Graph.Next(), b.Jobs[0]))
			if err := refusedStatus(t, v, b); err != nil {
				t.Errorf("%.20q %.20q: %v", reason, text, err)
			}
			b = b.ends(outcome.Running(b.Build.Build, b.Target.Graph.Next(), b.Jobs[0], nil, ""))
			if err := refusedStatus(t, v, b); err != nil {
				t.Errorf("%.20q %.20q, running: %v", reason, text, err)
			}
		}
	}
}

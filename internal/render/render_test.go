package render_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample reads one of the samples that users are given.
func sample(t *testing.T, name string) *datav1alpha1.DatasetMix {
	t.Helper()
	encoded, err := os.ReadFile(filepath.Join("..", "..", "config", "samples", "data_v1alpha1_datasetmix_"+name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	mix := &datav1alpha1.DatasetMix{}
	if err := yaml.UnmarshalStrict(encoded, mix); err != nil {
		t.Fatal(err)
	}
	mix.Namespace, mix.UID, mix.Generation = "training", types.UID("11111111-2222-3333-4444-555555555555"), 7
	return mix
}

func meaning(t *testing.T, mix *datav1alpha1.DatasetMix) recipe.Recipe {
	t.Helper()
	r, err := render.Recipe(mix)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// work returns the first attempt at the first stage, on a claim of one node.
func work(t *testing.T, mix *datav1alpha1.DatasetMix) render.Work {
	t.Helper()
	r := meaning(t, mix)
	graph, err := pipeline.Walk(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return render.Work{
		Mix: mix, Recipe: r, Graph: graph, Step: *graph.Next(), Attempt: 1, Sharing: render.OneNode,
		Location: render.Location{ClaimName: render.ClaimName(mix), ClaimUID: "claim-uid", Path: r.Output.Path},
		Settings: render.Settings{WorkerImage: "registry.example.org/worker:v1", HubEndpoint: "https://hub.example.org"},
	}
}

// TestRecipe: what the samples mean.
func TestRecipe(t *testing.T) {
	for _, name := range []string{"grpo_six", "huggingface", "http", "private", "volume", "curated", "refresh"} {
		t.Run(name, func(t *testing.T) {
			golden(t, "recipe_"+name, meaning(t, sample(t, name)))
		})
	}
}

// What a revision holds reaches the recipe in one order; all of it is what an unset field says.
func TestKeep(t *testing.T) {
	kept := func(parts ...datav1alpha1.RevisionPart) []recipe.RevisionPart {
		mix := sample(t, "grpo_six")
		mix.Spec.Output.Keep = parts
		r, err := render.Recipe(mix)
		if err != nil {
			t.Fatal(err)
		}
		return r.Output.Keep
	}
	if diff := cmp.Diff([]recipe.RevisionPart{recipe.RawPart, recipe.MixedPart}, kept(datav1alpha1.RevisionPartMixed, datav1alpha1.RevisionPartRaw)); diff != "" {
		t.Error(diff)
	}
	all := kept(datav1alpha1.RevisionPartTest, datav1alpha1.RevisionPartMixed, datav1alpha1.RevisionPartProcessed, datav1alpha1.RevisionPartRaw)
	if all != nil || kept() != nil {
		t.Errorf("all of it is %v", all)
	}
}

// TestRecords: every field of a record reaches the recipe.
func TestRecords(t *testing.T) {
	mix := sample(t, "grpo_six")
	sets := mix.Spec.Domains[0].Datasets
	sets[0].Record = datav1alpha1.Record{
		Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text", Where: "row.keep", GroupBy: "row.title",
		Metadata: []datav1alpha1.Metadata{{Name: "original_id", Value: "row.id"}, {Name: "level", Value: "row.?level"}},
	}
	sets[1].Record.Where = "row.level != 'Level 1'"
	got := meaning(t, mix).Domains[0].Datasets
	if diff := cmp.Diff([]recipe.Record{{
		Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text", Where: "row.keep", GroupBy: "row.title",
		Metadata: []recipe.Metadata{{Name: "original_id", Value: "row.id"}, {Name: "level", Value: "row.?level"}}, Rule: recipe.RecordRule,
	}, {Preset: "math", Where: "row.level != 'Level 1'", Rule: recipe.RecordRule}}, []recipe.Record{got[0].Record, got[1].Record}); diff != "" {
		t.Error(diff)
	}
}

// TestNames: the names of a source's files count where an expression may use the variable file.
func TestNames(t *testing.T) {
	for expression, want := range map[string]bool{
		"row.q": false, "row.profile": false, "file.path": true, "row.q + file.folders.lang": true, "row.files.first().orValue('')": false,
	} {
		mix := sample(t, "grpo_six")
		mix.Spec.Domains[0].Datasets[0].Record = datav1alpha1.Record{Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text",
			Metadata: []datav1alpha1.Metadata{{Name: "m", Value: datav1alpha1.Expression(expression)}}}
		mix.Spec.Decontaminate = &datav1alpha1.Decontaminate{Against: []datav1alpha1.Probe{{Name: "probe", Question: datav1alpha1.Expression(expression)}}}
		r := meaning(t, mix)
		for _, name := range []string{"gsm8k", "probe"} {
			if source, _ := r.Source(name); source.Source.Names != want {
				t.Errorf("%s with %s: names count: %t, want %t", name, expression, source.Source.Names, want)
			}
		}
	}
}

// TestAnswers: Required is omitted in a recipe, except with a preset, which may have another default.
func TestAnswers(t *testing.T) {
	own := datav1alpha1.Record{Question: "row.q", ReferenceAnswer: "row.a", AnswerType: "text"}
	for _, test := range []struct {
		record datav1alpha1.Record
		said   datav1alpha1.Answers
		want   recipe.Answers
	}{
		{own, "", ""}, {own, datav1alpha1.AnswersRequired, ""}, {own, datav1alpha1.AnswersOptional, recipe.OptionalAnswers},
		{datav1alpha1.Record{Preset: "math"}, "", ""}, {datav1alpha1.Record{Preset: "math"}, datav1alpha1.AnswersRequired, recipe.RequiredAnswers},
	} {
		mix := sample(t, "grpo_six")
		test.record.Answers = test.said
		mix.Spec.Domains[0].Datasets[0].Record = test.record
		if got := meaning(t, mix).Domains[0].Datasets[0].Record.Answers; got != test.want {
			t.Errorf("%q beside the preset %q is %q, want %q", test.said, test.record.Preset, got, test.want)
		}
	}
}

func TestShares(t *testing.T) {
	tests := []struct {
		name   string
		shares []string
		want   []int64
		err    string
	}{
		{name: "integers", shares: []string{"4", "3", "3"}, want: []int64{4, 3, 3}},
		{name: "decimals", shares: []string{"0.4", "0.3", "0.3"}, want: []int64{4, 3, 3}},
		{name: "percents", shares: []string{"40", "30", "30"}, want: []int64{4, 3, 3}},
		{name: "milli", shares: []string{"400m", "300m", "0.3"}, want: []int64{4, 3, 3}},
		{name: "exponents", shares: []string{"4e2", "3e2", "300"}, want: []int64{4, 3, 3}},
		{name: "suffixes", shares: []string{"4k", "3000", "3k"}, want: []int64{4, 3, 3}},
		{name: "what floats get wrong", shares: []string{"0.1", "0.2", "0.7"}, want: []int64{1, 2, 7}},
		{name: "too fine", shares: []string{"0.333333333", "1", "1"},
			err: "spec.domains: the shares need 2333333333 parts to be written as integers; at most 1000000 are allowed: round them"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mix := sample(t, "grpo_six")
			for i, share := range test.shares {
				mix.Spec.Domains[i].Share = resource.MustParse(share)
			}
			r, err := render.Recipe(mix)
			if got := fmt.Sprint(err); err != nil && got != test.err || err == nil && test.err != "" {
				t.Fatalf("error: got %v, want %q", err, test.err)
			}
			var got []int64
			for _, domain := range r.Domains {
				got = append(got, domain.Share)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("shares (-want +got):\n%s", diff)
			}
		})
	}
}

// TestJobs: the whole objects, as files to read.
func TestJobs(t *testing.T) {
	tests := []struct {
		name   string
		sample string
		edit   func(*render.Work)
	}{
		{name: "download_one_node", sample: "grpo_six"},
		{name: "download_any_node_with_source_claims", sample: "volume", edit: func(w *render.Work) { w.Sharing = render.AnyNode }},
		{name: "download_one_pod_with_token", sample: "huggingface", edit: func(w *render.Work) { w.Sharing = render.OnePod }},
		{name: "download_with_credentials", sample: "private"},
		{name: "download_from_a_store", sample: "s3"},
		{name: "download_of_an_artifact", sample: "oci"},
		{name: "download_with_probes", sample: "curated"},
		{name: "split_with_source_claims", sample: "curated", edit: atSplit},
		{name: "download_again", sample: "http", edit: func(w *render.Work) { w.Attempt = 2 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := work(t, sample(t, test.sample))
			if test.edit != nil {
				test.edit(&w)
			}
			golden(t, "job_"+test.name, w.Job())
		})
	}
}

// atSplit moves the work on to the split stage, with all downloads done.
func atSplit(w *render.Work) {
	w.Results = map[string]pipeline.Result{}
	for i, unit := range w.Step.Nodes {
		w.Results[unit.Key] = pipeline.Result{Download: &pipeline.DownloadResult{Digest: fmt.Sprint("digest", i)}}
	}
	graph, err := pipeline.Walk(w.Recipe, w.Results)
	if err != nil {
		panic(err) // no test makes such results
	}
	w.Graph, w.Step = graph, *graph.Next()
}

// claimsOf returns the claims that a Job's pods mount read-only, by the folder of each.
func claimsOf(w render.Work) map[string]string {
	pod := w.Job().Spec.Template.Spec
	claims := map[string]string{}
	for _, mount := range pod.Containers[0].VolumeMounts {
		for _, volume := range pod.Volumes {
			if volume.Name == mount.Name && volume.PersistentVolumeClaim != nil && mount.ReadOnly {
				claims[mount.MountPath] = volume.PersistentVolumeClaim.ClaimName
			}
		}
	}
	return claims
}

// TestSourceClaims: files of a claim are read in place, so every pod that reads such a source mounts the claim.
func TestSourceClaims(t *testing.T) {
	both := map[string]string{"/claims/originals": "originals", "/claims/benchmarks": "benchmarks"}
	only := func(name string) func(*render.Work) {
		return func(w *render.Work) {
			atSplit(w)
			for _, unit := range w.Step.Nodes {
				if unit.Name == name {
					w.Step.Missing = []pipeline.Node{unit}
				}
			}
		}
	}
	tests := []struct {
		name string
		edit func(*render.Work)
		want map[string]string
	}{
		{"download", func(*render.Work) {}, both},
		{"split of all", atSplit, both},
		{"split of a data set on a claim", only("exercises"), both},
		{"split of a data set of the Hub", only("gsm8k"), map[string]string{"/claims/benchmarks": "benchmarks"}},
		{"split without probes", func(w *render.Work) { atSplit(w); w.Mix.Spec.Decontaminate = nil }, map[string]string{"/claims/originals": "originals"}},
		{"balance", func(w *render.Work) { atSplit(w); w.Step.Stage = pipeline.StageBalance }, map[string]string{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := work(t, sample(t, "curated"))
			test.edit(&w)
			if diff := cmp.Diff(test.want, claimsOf(w)); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTask: a worker takes the task, for each index; and it has no right to change.
func TestTask(t *testing.T) {
	mix := sample(t, "huggingface")
	w := work(t, mix)
	atSplit(&w)
	w.Results["of an earlier spec"] = pipeline.Result{Download: &pipeline.DownloadResult{Digest: "old"}}
	config, err := w.Task()
	if err != nil {
		t.Fatal(err)
	}
	if config.Name != w.Job().Name || !ptr.Deref(config.Immutable, false) {
		t.Errorf("the task is %s, immutable %v; the Job is %s", config.Name, config.Immutable, w.Job().Name)
	}
	task, err := contract.ParseTask([]byte(config.Data["task.json"]))
	if err != nil {
		t.Fatal(err)
	}
	if len(task.Results) != 2 {
		t.Errorf("results in the task: %v, want those of the two downloads", task.Results)
	}
	for index, unit := range w.Step.Missing {
		if got, err := task.Node(index); err != nil || got != unit {
			t.Errorf("index %d: got %v, %v, want %v", index, got, err, unit)
		}
	}
	if strings.Contains(config.Data["task.json"], "hub-token") {
		t.Error("the task names a Secret")
	}
}

// TestPure: rendering changes nothing that it is given, and gives the same again.
func TestPure(t *testing.T) {
	mix := sample(t, "volume")
	before := mix.DeepCopy()
	w := work(t, mix)
	first, again := w.Job(), w.Job()
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the second time (-first +again):\n%s", diff)
	}
	first.Spec.Template.Labels["x"] = "y"
	first.Spec.Template.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("77")
	render.Claim(mix).Labels["x"] = "y"
	if diff := cmp.Diff(before, mix); diff != "" {
		t.Errorf("the mix changed:\n%s", diff)
	}
	if diff := cmp.Diff(again, w.Job()); diff != "" {
		t.Errorf("objects share memory:\n%s", diff)
	}
}

func TestClaim(t *testing.T) {
	owned, kept, named := sample(t, "volume"), sample(t, "grpo_six"), sample(t, "http")
	golden(t, "claim_owned", render.Claim(owned))
	golden(t, "claim_kept", render.Claim(kept))
	if claim := render.Claim(named); claim != nil || render.ClaimName(named) != "datasets" {
		t.Errorf("a named claim: got %v and the name %s", claim, render.ClaimName(named))
	}
}

func TestSharing(t *testing.T) {
	tests := []struct {
		modes []corev1.PersistentVolumeAccessMode
		want  render.Sharing
	}{
		{[]corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, render.OneNode},
		{[]corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteMany}, render.AnyNode},
		{[]corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}, render.OnePod},
		{[]corev1.PersistentVolumeAccessMode{corev1.ReadOnlyMany}, render.ReadOnly},
		{nil, render.ReadOnly},
	}
	for _, test := range tests {
		claim := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{AccessModes: test.modes}}
		if got := render.SharingOf(claim); got != test.want {
			t.Errorf("%v: got %d, want %d", test.modes, got, test.want)
		}
	}
}

// TestResources: requests and limits are always set and never contradict each other.
func TestResources(t *testing.T) {
	amounts := func(cpu, memory string) *datav1alpha1.ResourceAmounts {
		out := &datav1alpha1.ResourceAmounts{}
		if cpu != "" {
			out.CPU = ptr.To(resource.MustParse(cpu))
		}
		if memory != "" {
			out.Memory = ptr.To(resource.MustParse(memory))
		}
		return out
	}
	tests := []struct {
		name             string
		requests, limits *datav1alpha1.ResourceAmounts
		want             string // cpu/memory requested, cpu/memory limit
	}{
		{name: "unset", want: "250m/512Mi 2/512Mi"},
		{name: "memory requested", requests: amounts("", "2Gi"), want: "250m/2Gi 2/2Gi"},
		{name: "memory limited", limits: amounts("", "2Gi"), want: "250m/2Gi 2/2Gi"},
		{name: "much CPU requested", requests: amounts("4", ""), want: "4/512Mi 4/512Mi"},
		{name: "little CPU allowed", limits: amounts("100m", ""), want: "100m/512Mi 100m/512Mi"},
		{name: "all", requests: amounts("1", "1Gi"), limits: amounts("3", "2Gi"), want: "1/1Gi 3/2Gi"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mix := sample(t, "grpo_six")
			mix.Spec.Worker = &datav1alpha1.Worker{Resources: &datav1alpha1.Resources{Requests: test.requests, Limits: test.limits}}
			got := work(t, mix).Job().Spec.Template.Spec.Containers[0].Resources
			text := fmt.Sprintf("%s/%s %s/%s", got.Requests.Cpu(), got.Requests.Memory(), got.Limits.Cpu(), got.Limits.Memory())
			if text != test.want {
				t.Errorf("got %s, want %s", text, test.want)
			}
		})
	}
}

// FuzzJobName: every name is a DNS label that leaves room for a pod's index, and different work has different names.
//
//fuzz:brief its input is ours
func FuzzJobName(f *testing.F) {
	f.Add("grpo-six", "download", "aa", 1)
	f.Add(strings.Repeat("a", 40), "download", "aa", 99)
	f.Add(strings.Repeat("a-", 20), "publish", "aa", 2)
	f.Fuzz(func(t *testing.T, mix, stage, key string, attempt int) {
		if len(validation.IsDNS1123Label(mix)) > 0 || len(mix) > 40 || attempt < 1 || attempt > 999 {
			t.Skip()
		}
		if stage != string(pipeline.StageDownload) {
			stage = string(pipeline.StagePublish)
		}
		location := render.Location{ClaimName: "c", ClaimUID: "u", Path: "p"}
		chain, place := "", ""
		name := func(mix, key string, attempt int) string {
			return render.JobName(mix, location, pipeline.Stage(stage), []pipeline.Node{{Name: "n", Key: key}}, attempt, chain, place)
		}
		got := name(mix, key, attempt)
		if problems := validation.IsDNS1123Label(got + "-63"); len(problems) > 0 {
			t.Errorf("%s: %v", got, problems)
		}
		if got != name(mix, key, attempt) {
			t.Errorf("%s is another name the second time", got)
		}
		chain = "c"
		chained := name(mix, key, attempt)
		chain, place = "", "p"
		placed := name(mix, key, attempt)
		place = ""
		for _, other := range []string{chained, placed, name(mix, key+"x", attempt), name(mix, key, attempt+1), name("x"+mix[:len(mix)-1]+"y", key, attempt)} {
			if got == other {
				t.Errorf("%s is the name of other work too", got)
			}
		}
	})
}

// TestAChainIsOnePod: the Job of a chain has one pod for all units, the task says so, and other chains of the same units have other names.
func TestAChainIsOnePod(t *testing.T) {
	apart := work(t, sample(t, "grpo_six"))
	apart.Step.Missing = apart.Step.Missing[:2]
	chained := apart
	chained.Chain = strings.Repeat("0123456789abcdef", 4)
	job := chained.Job()
	if *job.Spec.Completions != 1 || *job.Spec.Parallelism != 1 || job.Annotations[datav1alpha1.AnnotationChain] != "0123456789abcdef" ||
		job.Annotations[datav1alpha1.AnnotationUnits] != apart.Job().Annotations[datav1alpha1.AnnotationUnits] {
		t.Errorf("the Job has %d pods, %d at once, and the annotations %v", *job.Spec.Completions, *job.Spec.Parallelism, job.Annotations)
	}
	other := chained
	other.Chain = strings.Repeat("f", 64)
	if chained.Name() == apart.Name() || chained.Name() == other.Name() {
		t.Errorf("other work has the name %s, too", chained.Name())
	}
	if diff := cmp.Diff(apart.Job().Spec.Template.Spec.Containers[0].Command, job.Spec.Template.Spec.Containers[0].Command); diff != "" {
		t.Errorf("the command (-apart +chain):\n%s", diff)
	}
	for _, w := range []render.Work{apart, chained} {
		config, err := w.Task()
		if err != nil {
			t.Fatal(err)
		}
		var task contract.Task
		if err := json.Unmarshal([]byte(config.Data["task.json"]), &task); err != nil || task.Chain != (w.Chain != "") || len(task.Nodes) != 2 {
			t.Errorf("the task of chain %q says %v, of %d units: %v", w.Chain, task.Chain, len(task.Nodes), err)
		}
		if _, there := w.Job().Annotations[datav1alpha1.AnnotationChain]; there != (w.Chain != "") {
			t.Errorf("the annotation of chain %q is there: %v", w.Chain, there)
		}
	}
}

func TestCovers(t *testing.T) {
	unit := func(key string) pipeline.Node { return pipeline.Node{Name: "n", Key: key} }
	annotation := render.Units([]pipeline.Node{unit("0123456789abcdef00"), unit("fedcba987654321000")})
	if want := "0123456789abcdef,fedcba9876543210"; annotation != want {
		t.Errorf("got %s, want %s", annotation, want)
	}
	for key, want := range map[string]bool{"0123456789abcdef00": true, "fedcba987654321000": true, "1123456789abcdef00": false} {
		if got := render.Covers(annotation, unit(key)); got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	if render.Covers("", unit("0123456789abcdef00")) {
		t.Error("an empty annotation covers nothing")
	}
}

// golden compares a value with its file in testdata; -update writes it.
func golden(t *testing.T, name string, value any) {
	t.Helper()
	got, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".yaml")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

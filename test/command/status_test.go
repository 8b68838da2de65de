package command

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// building returns a status in mid-build.
func building(mix *datav1alpha1.DatasetMix) {
	mix.Status.Conditions = []metav1.Condition{
		condition(mix, "Ready", metav1.ConditionUnknown, "Progressing", "Stage split is under way."),
		condition(mix, "Reconciling", metav1.ConditionTrue, "Progressing", "Stage split is under way."),
	}
	mix.Status.Stages = []datav1alpha1.StageStatus{
		{Name: "download", State: datav1alpha1.StageSucceeded, Done: ptr.To[int32](6), Total: ptr.To[int32](6)},
		{Name: "split", State: datav1alpha1.StageRunning, Done: ptr.To[int32](2), Total: ptr.To[int32](6), Attempt: 1, StartTime: ptr.To(metav1.Now())},
	}
}

// ready returns the status of a published mix.
func ready(mix *datav1alpha1.DatasetMix) {
	mix.Status.Conditions = []metav1.Condition{condition(mix, "Ready", metav1.ConditionTrue, "Published", "Revision 3f9c2a1b0d is published.")}
	mix.Status.Published = &datav1alpha1.Published{Revision: "3f9c2a1b0d", ClaimName: "grpo-six", Path: "grpo-six/revisions/3f9c2a1b0d",
		Digest: strings.Repeat("a", 64), Bytes: ptr.To[int64](412345678), Time: metav1.Now()}
}

// pod makes a worker's pod of a mix.
func pod(t *testing.T, of *datav1alpha1.DatasetMix, name, stage string) {
	t.Helper()
	create(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: of.Namespace, Name: name, Labels: map[string]string{
			datav1alpha1.LabelUID: string(of.UID), datav1alpha1.LabelStage: stage}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "worker", Image: "worker"}}},
	})
}

// event makes an Event of a mix.
func event(t *testing.T, of *datav1alpha1.DatasetMix, reason, message string) {
	t.Helper()
	create(t, &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: of.Namespace, GenerateName: of.Name + "."},
		InvolvedObject: corev1.ObjectReference{APIVersion: datav1alpha1.GroupVersion.String(), Kind: datav1alpha1.Kind, Namespace: of.Namespace, Name: of.Name, UID: of.UID},
		Reason:         reason, Message: message, Type: corev1.EventTypeNormal, LastTimestamp: metav1.Now(),
	})
}

// TestStatusShowsWhatTheUserMayRead: with each right missing in turn, status shows what the other rights allow, and names the missing one.
func TestStatusShowsWhatTheUserMayRead(t *testing.T) {
	space := namespace(t)
	of := mix(t, space, building)
	pod(t, of, "grpo-six-split-0", "split")
	event(t, of, "StageStarted", "Stage split was started.")
	role := func(name string, rules ...rbacv1.PolicyRule) string {
		create(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: space + "-" + name}, Rules: rules})
		return space + "-" + name
	}
	mixes := role("mixes", rbacv1.PolicyRule{APIGroups: []string{"data.datasetmix.io"}, Resources: []string{"datasetmixes"}, Verbs: []string{"get"}})
	pods := role("pods", rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}})
	events := role("events", rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"list"}})
	tests := []struct {
		name  string
		roles []string
		shown []string
		code  int
	}{
		{"all", []string{mixes, pods, events}, []string{"Reconciling, Progressing", "split     Running    2/6", "grpo-six-split-0", "StageStarted"}, 0},
		{"no pods", []string{mixes, events}, []string{"2/6", "Pods: not permitted: list pods", "StageStarted"}, 0},
		{"no events", []string{mixes, pods}, []string{"2/6", "grpo-six-split-0", "Events: not permitted: list events"}, 0},
		{"the mix alone", []string{mixes}, []string{"2/6", "not permitted: list pods", "not permitted: list events"}, 0},
		{"nothing", nil, []string{"Error: not permitted: get datasetmixes"}, 43},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := command(t, append([]string{"status", of.Name}, userWith(t, space, test.roles...)...)...)
			for _, want := range test.shown {
				if !strings.Contains(got.out+got.errors, want) {
					t.Errorf("want %q in\n%v", want, got)
				}
			}
			if got.code != test.code {
				t.Errorf("want code %d, %v", test.code, got)
			}
		})
	}
}

// TestRolesAreEnough: the ClusterRole of a verb has all rights that the verb needs.
func TestRolesAreEnough(t *testing.T) {
	space := namespace(t)
	k := newKubelet(t, space)
	of, folder := withRevision(t, k)
	event(t, of, "RevisionPublished", "Revision 3f9c2a1b0d was published.")
	create(t, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}}}})
	for _, role := range roles(t) {
		if err := api.Create(t.Context(), role); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	for verb, arguments := range map[string][]string{
		"status": {"status", of.Name}, "wait": {"wait", of.Name}, "events": {"events", of.Name}, "logs": {"logs", of.Name}, "version": {"version"},
		"diff": {"diff", "datasetmix/" + of.Name, "datasetmix/" + of.Name},
		"plan": {"plan", of.Name, "--rows", "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427"},
		"get":  {"get", of.Name, "export", image, "--to", t.TempDir()}, "report": {"report", of.Name, image, "-o", "text"},
		"put": {"put", "data", filepath.Join(folder, "current/README.md"), image},
	} {
		t.Run(verb, func(t *testing.T) {
			got := command(t, append(arguments, userWith(t, space, "datasetmix-command-"+verb)...)...)
			if got.code != 0 || strings.Contains(got.out+got.errors, "not permitted") || strings.Contains(got.out+got.errors, "forbidden") {
				t.Error(got)
			}
		})
	}
}

// TestOutputs: kubectl's formats show the object as the server has it, with what this release does not know.
func TestOutputs(t *testing.T) {
	space := namespace(t)
	of := mix(t, space, ready)
	for format, want := range map[string]string{
		"name": "datasetmix.data.datasetmix.io/grpo-six\n", "jsonpath={.status.published.revision}": "3f9c2a1b0d", "yaml": "  claimName: grpo-six\n",
		"json": `"revision": "3f9c2a1b0d"`, "wide": "412 MB", "table": "Ready, Published", "": "grpo-six/revisions/3f9c2a1b0d",
	} {
		if got := command(t, "status", of.Name, "-n", space, "-o", format); got.code != 0 || !strings.Contains(got.out, want) {
			t.Errorf("-o %s: want %q in %v", format, want, got)
		}
	}
	if got := command(t, "status", of.Name, "-n", space, "-o", "jsn"); got.code != 18 || !strings.Contains(got.errors, "did you mean json?") {
		t.Error(got)
	}
}

// TestNamesThatAreNone: for a mistyped name, the error suggests the one that was meant.
func TestNamesThatAreNone(t *testing.T) {
	space := namespace(t)
	mix(t, space, nil)
	if got := command(t, "status", "grpo-sux", "-n", space); got.code != 42 || !strings.Contains(got.errors, "did you mean grpo-six?") {
		t.Error(got)
	}
	if got := command(t, "wait", "other", "-n", space); got.code != 42 || strings.Contains(got.errors, "did you mean") {
		t.Error(got)
	}
	if got := command(t, "logs", "grpo-six", "-n", space, "--stage", "splitt"); got.code != 18 || !strings.Contains(got.errors, "did you mean split?") {
		t.Error(got)
	}
	if got := command(t, "statsu"); got.code == 0 || !strings.Contains(got.errors, "status") {
		t.Error(got)
	}
}

// TestWaitEndsByTheOutcome: each outcome has its exit code, with the rights of wait alone; without the right to watch it asks again.
func TestWaitEndsByTheOutcome(t *testing.T) {
	space := namespace(t)
	stalled := func(reason string) func(*datav1alpha1.DatasetMix) {
		return func(mix *datav1alpha1.DatasetMix) {
			mix.Status.Conditions = []metav1.Condition{
				condition(mix, "Ready", metav1.ConditionFalse, reason, "It cannot be."),
				condition(mix, "Stalled", metav1.ConditionTrue, reason, "It cannot be."),
			}
		}
	}
	suspended := func(mix *datav1alpha1.DatasetMix) {
		mix.Status.Conditions = []metav1.Condition{condition(mix, "Ready", metav1.ConditionFalse, "Suspended", "It is suspended.")}
	}
	of := mix(t, space, building)
	tests := []struct {
		name   string
		status func(*datav1alpha1.DatasetMix)
		code   int
	}{
		{"timeout", building, 41}, {"stalled by a worker", stalled("InfeasibleMix"), 13}, {"stalled", stalled("PathConflict"), 40},
		{"suspended", suspended, 44}, {"ready", ready, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			told(t, of, building)
			go func() {
				time.Sleep(500 * time.Millisecond)
				told(t, of, test.status)
			}()
			if got := command(t, "wait", of.Name, "-n", space, "--timeout", "2s"); got.code != test.code {
				t.Errorf("want code %d, %v", test.code, got)
			}
		})
	}
	t.Run("without watch", func(t *testing.T) {
		told(t, of, building)
		create(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: space + "-get"},
			Rules: []rbacv1.PolicyRule{{APIGroups: []string{"data.datasetmix.io"}, Resources: []string{"datasetmixes"}, Verbs: []string{"get"}}}})
		go func() {
			time.Sleep(time.Second)
			told(t, of, ready)
		}()
		got := command(t, append([]string{"status", of.Name, "-w", "--timeout", "20s"}, userWith(t, space, space+"-get")...)...)
		if got.code != 0 || strings.Count(got.out, "\n") != 2 || !strings.Contains(got.out, "split 2/6 running") || !strings.Contains(got.out, "revision 3f9c2a1b0d") {
			t.Error(got)
		}
	})
}

// TestVersionWarnsOfSkew: the version is that of the manager's label, or of its image's tag.
func TestVersionWarnsOfSkew(t *testing.T) {
	space := namespace(t)
	labels := map[string]string{"app.kubernetes.io/name": "datasetmix-operator", "app.kubernetes.io/component": "manager"}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "datasetmix-manager", Labels: labels},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "manager", Image: "registry.example.org:5000/datasetmix:v1.1.4"}}},
		}},
	}
	create(t, deployment)
	defer func() { _ = api.Delete(t.Context(), deployment) }()
	for _, test := range []struct{ label, version, warning string }{{"", "v1.1.4", "older"}, {"v1.3.0", "v1.3.0", "newer"}, {"v1.2.9", "v1.2.9", ""}} {
		if test.label != "" {
			deployment.Labels["app.kubernetes.io/version"] = test.label
			if err := api.Update(t.Context(), deployment); err != nil {
				t.Fatal(err)
			}
		}
		got := command(t, "version", "-o", "json")
		var said struct {
			Client   string
			Managers []struct{ Version, Skew string }
		}
		if err := json.Unmarshal([]byte(got.out), &said); err != nil {
			t.Fatalf("%v: %v", err, got)
		}
		if said.Client != released || len(said.Managers) != 1 || said.Managers[0].Version != test.version ||
			(said.Managers[0].Skew == "") != (test.warning == "") || !strings.Contains(said.Managers[0].Skew, test.warning) {
			t.Errorf("label %q: %v", test.label, got)
		}
	}
	if got := command(t, append([]string{"version"}, userWith(t, space)...)...); got.code != 0 || !strings.Contains(got.out, "not permitted: list deployments") {
		t.Error(got)
	}
}

// TestDiffWithTheCluster: the rows are those of the status, and an edit of a file is compared with the object.
func TestDiffWithTheCluster(t *testing.T) {
	space := namespace(t)
	of := mix(t, space, func(mix *datav1alpha1.DatasetMix) {
		for _, domain := range mix.Spec.Domains {
			for _, dataset := range domain.Datasets {
				mix.Status.Datasets = append(mix.Status.Datasets, datav1alpha1.DatasetStatus{Name: dataset.Name, Domain: domain.Name, Rows: ptr.To[int64](600)})
			}
		}
	})
	content, err := os.ReadFile("../../config/samples/data_v1alpha1_datasetmix_grpo_six.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/edited.yaml"
	if err := os.WriteFile(file, []byte(strings.Replace(string(content), "  - name: math\n    share: 4", "  - name: math\n    share: 1", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	got := command(t, "diff", "datasetmix/"+of.Name, file, "-n", space)
	if got.code != 1 || !strings.Contains(got.out, "domains[math].share: 4 → 1") || !strings.Contains(got.out, "split     0/6") || !strings.Contains(got.out, "mix       2/2") ||
		!strings.Contains(got.out, "MOST REPEATED") {
		t.Error(got)
	}
	if got := command(t, "diff", "datasetmix/grpo-seven", file, "-n", space); got.code != 42 {
		t.Error(got)
	}
}

// TestLogsWithoutPods: logs of a mix without pods are none, which is no error; a user who may not read the mix is refused.
func TestLogsWithoutPods(t *testing.T) {
	space := namespace(t)
	of := mix(t, space, ready)
	if got := command(t, "logs", of.Name, "-n", space); got.code != 0 || !strings.Contains(got.errors, "No pod has such a log") {
		t.Error(got)
	}
	if got := command(t, append([]string{"logs", of.Name}, userWith(t, space)...)...); got.code != 43 {
		t.Error(got)
	}
}

// TestCompletion: kubectl's own completion asks the program under another name; names of mixes come from the cluster.
func TestCompletion(t *testing.T) {
	space := namespace(t)
	mix(t, space, nil)
	folder := t.TempDir()
	if got := command(t, "completion", "install", folder); got.code != 0 {
		t.Fatal(got)
	}
	complete := func(arguments ...string) string {
		line := exec.CommandContext(t.Context(), folder+"/kubectl_complete-datasetmix", arguments...)
		line.Env = append(line.Environ(), "KUBECONFIG="+kubeconfig)
		out, err := line.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if got := complete("sta"); !strings.HasPrefix(got, "status\t") {
		t.Errorf("sta: %q", got)
	}
	if got := complete("status", "-n", space, "gr"); !strings.HasPrefix(got, "grpo-six\n") {
		t.Errorf("gr: %q", got)
	}
}

package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/render"
)

// withRevision builds the example onto a claim, and makes a mix whose status names it. The folder is that of the mix on the claim.
func withRevision(t *testing.T, k *kubelet) (mixed *datav1alpha1.DatasetMix, folder string) {
	t.Helper()
	claim, try := k.claim("data"), t.TempDir()
	if got := command(t, "example", try); got.code != 0 {
		t.Fatal(got)
	}
	if got := command(t, "build", "-f", filepath.Join(try, "mix.yaml"), "--claim", "examples="+try, "--data", claim); got.code != 0 {
		t.Fatal(got)
	}
	current, err := filepath.Glob(filepath.Join(claim, "*", "current"))
	if err != nil || len(current) != 1 {
		t.Fatalf("%v, %v", current, err)
	}
	folder = filepath.Dir(current[0])
	proof := command(t, "verify", folder, "-o", "json")
	var proved struct{ Revision, Digest string }
	if err := json.Unmarshal([]byte(proof.out), &proved); err != nil {
		t.Fatal(err, proof)
	}
	return mix(t, k.space, func(mix *datav1alpha1.DatasetMix) {
		ready(mix)
		mix.Status.Published.ClaimName, mix.Status.Published.Revision, mix.Status.Published.Digest = "data", proved.Revision, proved.Digest
		mix.Status.Published.Path = filepath.Base(folder) + "/revisions/" + proved.Revision
	}), folder
}

// noPods wants the command's pods gone.
func noPods(t *testing.T, space string) {
	t.Helper()
	var left corev1.PodList
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err := api.List(t.Context(), &left, client.InNamespace(space), client.MatchingLabels{"app.kubernetes.io/managed-by": "kubectl-datasetmix"}); err != nil {
			t.Fatal(err)
		}
		if len(left.Items) == 0 {
			return
		}
	}
	t.Errorf("pod %s is left", left.Items[0].Name)
}

// image is what the pods of tests run; no manager says which.
const image = "--image=worker:test"

// TestGet: the answer of a pod is the same, to the byte, as that of the command for the folder.
func TestGet(t *testing.T) {
	space := namespace(t)
	k := newKubelet(t, space)
	of, folder := withRevision(t, k)
	for _, line := range [][]string{
		{"head"}, {"head", "--rows", "3", "--split", "test"}, {"sample", "--rows", "5", "--seed", "7"}, {"count"}, {"count", "-o", "json"},
		{"head", "--revision", of.Status.Published.Revision, "--file", "mixed/info.json"},
	} {
		t.Run(strings.Join(line, " "), func(t *testing.T) {
			here := command(t, append([]string{"get", folder}, line...)...)
			there := command(t, append([]string{"get", of.Name, "-n", space, image}, line...)...)
			if here.out != there.out || here.code != there.code || (here.code == 0) != (here.out != "") {
				t.Errorf("a folder: %v\nthe cluster: %v", here, there)
			}
			noPods(t, space)
		})
	}
	t.Run("names", func(t *testing.T) {
		for _, test := range []struct {
			line []string
			code int
			says string
		}{
			{[]string{"get", of.Name, "head", "--split", "tran"}, 33, "did you mean train?"},
			{[]string{"get", of.Name, "head", "--revision", "0123456789"}, 32, of.Status.Published.Revision},
			{[]string{"get", of.Name, "haed"}, 18, "did you mean head?"},
			{[]string{"get", "grpo-sux", "head"}, 42, "did you mean grpo-six?"},
			{[]string{"report", of.Name, "-o", "htm"}, 18, "did you mean html?"},
		} {
			if got := command(t, append(test.line, "-n", space, image)...); got.code != test.code || !strings.Contains(got.errors, test.says) {
				t.Errorf("%q: want %d and %q, %v", test.line, test.code, test.says, got)
			}
		}
		noPods(t, space)
	})
}

// TestExport: files are written whole and compared with the digest in the status; an existing file is not replaced.
func TestExport(t *testing.T) {
	space := namespace(t)
	k := newKubelet(t, space)
	of, folder := withRevision(t, k)
	to := filepath.Join(t.TempDir(), "train.jsonl")
	export := []string{"get", of.Name, "export", "-n", space, image, "--to", to}
	got := command(t, export...)
	want, err := os.ReadFile(filepath.Join(folder, "current/mixed/train_mixed.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if exported, err := os.ReadFile(to); got.code != 0 || err != nil || !bytes.Equal(exported, want) {
		t.Errorf("%d of %d bytes: %v", len(exported), len(want), got)
	}
	if got := command(t, export...); got.code != 45 || !strings.Contains(got.errors, "--overwrite") {
		t.Error(got)
	}
	if got := command(t, append(export[:len(export)-1], "-", "--file", "manifest.json")...); got.code != 33 {
		t.Error(got)
	}
	if got := command(t, append(export[:len(export)-1], "-")...); got.code != 0 || got.out != string(want) {
		t.Errorf("%d bytes, %s", len(got.out), got.errors)
	}
	told(t, of, func(mix *datav1alpha1.DatasetMix) { mix.Status.Published.Digest = strings.Repeat("b", 64) })
	if got := command(t, append(export, "--overwrite")...); got.code != 17 || !strings.Contains(got.errors, "not the revision that was published") {
		t.Error(got)
	}
	noPods(t, space)
}

// TestReport: the page is saved with the bytes of the revision, or printed.
func TestReport(t *testing.T) {
	space := namespace(t)
	k := newKubelet(t, space)
	of, folder := withRevision(t, k)
	want, err := os.ReadFile(filepath.Join(folder, "current/report.html"))
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "report.html")
	if got := command(t, "report", of.Name, "-n", space, image, "--to", to); got.code != 0 {
		t.Error(got)
	}
	if saved, err := os.ReadFile(to); err != nil || !bytes.Equal(saved, want) {
		t.Errorf("%d of %d bytes: %v", len(saved), len(want), err)
	}
	for format, file := range map[string]string{"html": "report.html", "text": "README.md", "json": "statistics.json"} {
		content, err := os.ReadFile(filepath.Join(folder, "current", file))
		if err != nil {
			t.Fatal(err)
		}
		if got := command(t, "report", of.Name, "-n", space, image, "-o", format); got.code != 0 || got.out != string(content) {
			t.Errorf("-o %s: %d of %d bytes, %s", format, len(got.out), len(content), got.errors)
		}
	}
	noPods(t, space)
}

// TestPut: a file gets its name only when it is whole; existing files remain; a claim is created only with --create.
func TestPut(t *testing.T) {
	space := namespace(t)
	k := newKubelet(t, space)
	folder := k.claim("originals")
	files := t.TempDir()
	rows := filepath.Join(files, "rows.jsonl")
	if err := errors.Join(os.WriteFile(rows, bytes.Repeat([]byte("{\"a\":1}\n"), 500_000), 0o600), os.WriteFile(filepath.Join(files, "b"), []byte("b"), 0o600)); err != nil {
		t.Fatal(err)
	}
	line := []string{"-n", space, image}
	if got := command(t, append([]string{"put", "originals", rows}, line...)...); got.code != 42 {
		t.Error(got)
	}
	if got := command(t, append([]string{"put", "originals", rows, "--create", "--size", "1Gi"}, line...)...); got.code != 0 {
		t.Fatal(got)
	}
	claim := &corev1.PersistentVolumeClaim{}
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: space, Name: "originals"}, claim); err != nil || !claim.Spec.Resources.Requests.Storage().Equal(resource.MustParse("1Gi")) {
		t.Errorf("%v, %v", claim.Spec, err)
	}
	want, _ := os.ReadFile(rows)
	if arrived, err := os.ReadFile(filepath.Join(folder, "rows.jsonl")); err != nil || !bytes.Equal(arrived, want) {
		t.Errorf("%d of %d bytes: %v", len(arrived), len(want), err)
	}
	if got := command(t, append([]string{"put", "originals", filepath.Join(files, "b"), rows}, line...)...); got.code != 45 || !strings.Contains(got.errors, "--overwrite") {
		t.Error(got)
	}
	if got := command(t, append([]string{"put", "orginals", rows}, line...)...); got.code != 42 || !strings.Contains(got.errors, "did you mean originals?") {
		t.Error(got)
	}
	if got := command(t, append([]string{"put", "originals", files, "--to", "more", "--overwrite"}, line...)...); got.code != 0 {
		t.Error(got)
	}
	if _, err := os.Stat(filepath.Join(folder, "more", filepath.Base(files), "b")); err != nil {
		t.Error(err)
	}
	noPods(t, space)
	if entries, _ := os.ReadDir(folder); len(entries) != 2 {
		t.Errorf("%v are on the claim", entries)
	}
}

// interrupted runs a command until something is so, and interrupts it.
func interrupted(t *testing.T, until func() bool, arguments ...string) int {
	t.Helper()
	line := exec.CommandContext(t.Context(), program, arguments...)
	line.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	if err := line.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); !until(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("it did not come so far")
			break
		}
	}
	if err := line.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	_ = line.Wait()
	return line.ProcessState.ExitCode()
}

// TestInterrupted: Ctrl-C leaves neither a pod, whether it runs or waits, nor a part of a file.
func TestInterrupted(t *testing.T) {
	space := namespace(t)
	k := newKubelet(t, space)
	folder := k.claim("originals")
	create(t, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "originals"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}}}})
	big := filepath.Join(t.TempDir(), "big")
	file, err := os.Create(big)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Truncate(4<<30), file.Close()); err != nil { // it takes no space here
		t.Fatal(err)
	}
	sending := func() bool {
		parts, _ := filepath.Glob(filepath.Join(folder, ".staging-*", "*"))
		for _, part := range parts {
			if info, err := os.Stat(part); err == nil && info.Size() > 1<<20 {
				return true
			}
		}
		return false
	}
	if code := interrupted(t, sending, "put", "originals", big, "-n", space, image); code != 130 {
		t.Errorf("code %d", code)
	}
	noPods(t, space)
	if entries, _ := os.ReadDir(folder); len(entries) > 0 {
		t.Errorf("%v are on the claim", entries)
	}

	waiting := namespace(t) // without a kubelet
	of := mix(t, waiting, ready)
	pods := func() bool {
		var list corev1.PodList
		return api.List(t.Context(), &list, client.InNamespace(waiting)) == nil && len(list.Items) > 0
	}
	if code := interrupted(t, pods, "get", of.Name, "head", "-n", waiting, image); code != 130 {
		t.Errorf("code %d", code)
	}
	noPods(t, waiting)
	if got := command(t, "get", of.Name, "head", "-n", waiting, image, "--start-timeout", "1s"); got.code != 41 || !strings.Contains(got.errors, "no node") {
		t.Error(got)
	}
	noPods(t, waiting)
}

// TestOtherReleases: a worker that does not know what it is asked is older, which the command reports; one that does not understand a
// question is of another release.
func TestOtherReleases(t *testing.T) {
	space := namespace(t)
	k := newKubelet(t, space)
	message := `there is no command "read": the worker has the command wait, and else builds the unit of its task`
	k.refuse = func() (int32, string) { return 18, message }
	of := mix(t, space, ready)
	if got := command(t, "get", of.Name, "head", "-n", space, image); got.code != 18 || !strings.Contains(got.errors, "older than this command") {
		t.Error(got)
	}
	message = "the worker does not understand the question"
	if got := command(t, "get", of.Name, "export", "-n", space, image); got.code != 18 || strings.Contains(got.errors, "older than this command") {
		t.Error(got)
	}
	noPods(t, space)
	if got := command(t, append([]string{"get", of.Name, "head", "--start-timeout", "1s"}, "-n", space)...); got.code != 18 || !strings.Contains(got.errors, "no manager was found: the worker runs ghcr.io/datasetmix/datasetmix:"+released) {
		t.Error(got)
	}
}

// TestPolicyOfPods: a user with the roles and without the right to read Secrets can create only the command's pods, and reach no other pod.
func TestPolicyOfPods(t *testing.T) {
	space := namespace(t)
	reader, filler, editor, looker := clientOf(t, "reader"), clientOf(t, "filler"), clientOf(t, "editor"), clientOf(t, "looker")
	create(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "test-editor"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"pods", "pods/portforward", "secrets"}, Verbs: []string{"*"}}}}) // no controller aggregates edit here
	for user, role := range map[string]string{"reader": "datasetmix-command-get", "filler": "datasetmix-command-put", "editor": "test-editor"} {
		bind(t, space, user, role)
	}
	bind(t, space, "editor", "datasetmix-command-get")
	bind(t, space, "looker", "datasetmix-command-plan")
	bind(t, space, "looker", role(t, right{"create", "data.datasetmix.io", "datasetmixes"}))
	policies(t)
	pod := func(verb string, arguments ...string) *corev1.Pod {
		return render.Errand{Namespace: space, Name: "datasetmix-" + verb + "-x", Verb: verb, Image: "ghcr.io/datasetmix/datasetmix:v1", Claim: "c", Writable: verb == "put",
			Arguments: arguments, Worker: &datav1alpha1.Worker{PriorityClassName: "low", NodeSelector: map[string]string{"a": "b"}}, Seconds: 3600}.Pod()
	}
	look := func(source datav1alpha1.Source) *corev1.Pod {
		return render.Errand{Namespace: space, Name: "datasetmix-look-x", Verb: "look", Image: "ghcr.io/datasetmix/datasetmix:v1", Arguments: []string{"look", "{}"}, Seconds: 3600,
			Source: &render.Source{Name: "d", Source: source}, HubEndpoint: "http://hub", Worker: &datav1alpha1.Worker{ServiceAccountName: "reader"}}.Pod()
	}
	web := look(datav1alpha1.Source{HTTP: &datav1alpha1.HTTPSource{SecretRef: &datav1alpha1.LocalReference{Name: "s"}, CABundleRef: &datav1alpha1.BundleReference{Name: "ca", Key: "k"}}})
	store := look(datav1alpha1.Source{ObjectStore: &datav1alpha1.ObjectStoreSource{URL: "s3://b", RoleARN: "arn"}})
	volume := look(datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: "c"}})
	other := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "bank"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "bank", Image: "bank"}}}}
	create(t, other)
	create(t, &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "low"}, Value: 1})
	tests := []struct {
		name string
		by   client.Client
		pod  *corev1.Pod
		edit func(*corev1.Pod)
		want string
	}{
		{"a reader's", reader, pod("get", "read", "{}"), nil, ""},
		{"one that serves", reader, pod("get", "serve"), nil, ""},
		{"a filler's", filler, pod("put", "receive"), nil, ""},
		{"a reader that fills", reader, pod("put", "receive"), nil, "your role leaves you"},
		{"a reader that receives", reader, pod("get", "receive"), nil, "reads or serves"},
		{"a build", reader, pod("get", "download"), nil, "reads or serves"},
		{"another name", reader, pod("get", "read"), func(p *corev1.Pod) { p.Name = "x" }, "your role leaves you"},
		{"another image", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.Containers[0].Image = "busybox" }, "runs the worker image"},
		{"an image named alike", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.Containers[0].Image = "ghcr.io/datasetmix/datasetmix-evil:v1" }, "runs the worker image"},
		{"a shell", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.Containers[0].Command = []string{"sh", "-c"} }, "reads or serves"},
		{"arguments", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.Containers[0].Args = []string{"x"} }, "no environment"},
		{"an environment", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", Value: "b"}} }, "no environment"},
		{"a second container", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.Containers = append(p.Spec.Containers, other.Spec.Containers[0]) }, "one container"},
		{"one before it", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.InitContainers = other.Spec.Containers }, "nothing of its node"},
		{"the host's network", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.HostNetwork = true }, "nothing of its node"},
		{"a node by name", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.NodeName = "n" }, "nothing of its node"},
		{"a service account", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.ServiceAccountName = "admin" }, "no service account"},
		{"a token", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.AutomountServiceAccountToken = nil }, "no token"},
		{"a Secret", reader, pod("get", "read"), func(p *corev1.Pod) {
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}})
		}, "no other volume"},
		{"a Secret in place of the claim", reader, pod("get", "read"), func(p *corev1.Pod) {
			p.Spec.Volumes[0].VolumeSource = corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}
		}, "no other volume"},
		{"a claim to write to", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.Volumes[0].PersistentVolumeClaim.ReadOnly = false }, "writes to it only"},
		{"root", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.SecurityContext.RunAsNonRoot = nil }, "restricted"},
		{"privileges", reader, pod("get", "read"), func(p *corev1.Pod) { p.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil }, "restricted"},
		{"another's labels", reader, pod("get", "read"), func(p *corev1.Pod) { p.Labels["app"] = "bank" }, "the labels"},
		{"an annotation", reader, pod("get", "read"), func(p *corev1.Pod) { p.Annotations = map[string]string{"a": "b"} }, "no annotation"},
		{"a build's network", reader, pod("get", "read"), func(p *corev1.Pod) { p.Labels[datav1alpha1.LabelNetwork] = "fetch" }, "the labels"},
		{"a look at the web", looker, web, nil, ""},
		{"a look at a store", looker, store, nil, ""},
		{"a look at a claim", looker, volume, nil, ""},
		{"a reader's look", reader, web, nil, "your role leaves you"},
		{"a look at a claim to write to", looker, volume, func(p *corev1.Pod) { p.Spec.Volumes[0].PersistentVolumeClaim.ReadOnly = false }, "mounts a claim read-only"},
		{"a look at the node", looker, web, func(p *corev1.Pod) {
			p.Spec.Volumes[0].VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}
		}, "mounts a claim read-only"},
		{"a look with a token", looker, store, func(p *corev1.Pod) { p.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken.Audience = "" }, "no one but AWS"},
		{"a look with a Secret in its environment", looker, web, func(p *corev1.Pod) {
			p.Spec.Containers[0].Env[0] = corev1.EnvVar{Name: "HF_ENDPOINT", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "k"}}}
		}, "the Hub and the proxy"},
		{"a look that reads", looker, web, func(p *corev1.Pod) { p.Spec.Containers[0].Command[1] = "read" }, "looks at a source"},
		{"an editor's", editor, pod("get", "read"), func(p *corev1.Pod) { p.Name, p.Spec.Containers[0].Image = "x", "busybox" }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.edit != nil {
				test.pod = test.pod.DeepCopy()
				test.edit(test.pod)
			}
			refused(t, test.want, func() error { return test.by.Create(t.Context(), test.pod.DeepCopy(), client.DryRunAll) })
		})
	}
	refused(t, "your role leaves you", func() error { return reader.Delete(t.Context(), other, client.DryRunAll) })
	refused(t, "", func() error { return editor.Delete(t.Context(), other, client.DryRunAll) })
	forwarding := func(user string) func() error {
		return func() error {
			config := rest.CopyConfig(administrator)
			config.Impersonate.UserName = user
			here, err := kube.New(config, space)
			if err != nil {
				return err
			}
			to, err := here.Forward(other.Name, 80)
			if err != nil {
				return err
			}
			defer to.Close()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://pod.invalid/", nil)
			if err != nil {
				return err
			}
			response, err := to.Client().Do(request)
			if err == nil {
				_ = response.Body.Close()
			}
			return err
		}
	}
	refused(t, "your role leaves you", forwarding("reader"))
	if err := forwarding("editor")(); err == nil || strings.Contains(err.Error(), "your role leaves you") {
		t.Errorf("an editor: %v", err)
	}
}

// refused wants the policy to say something, or nothing; the API server is told of policies a little later.
func refused(t *testing.T, want string, try func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = try(); want == "" || err != nil && strings.Contains(err.Error(), want) {
			break
		}
	}
	if (want == "") != (err == nil) || want != "" && !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want the policy to say %q", err, want)
	}
}

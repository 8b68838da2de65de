package envtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// someUID is the UID of a mix that does not exist.
const someUID = types.UID("11111111-2222-3333-4444-555555555555")

// thief has the manager's token.
func thief(t *testing.T) client.Client {
	t.Helper()
	patient := rest.CopyConfig(account)
	patient.QPS = -1 // many attempts
	stolen, err := client.New(patient, client.Options{Scheme: api.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return client.NewDryRunClient(stolen)
}

// workOf returns the work at a stage of a sample, as the operator renders it.
func workOf(t *testing.T, file string, stage pipeline.Stage, edits ...func(*datav1alpha1.DatasetMix)) render.Work {
	t.Helper()
	encoded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mix := &datav1alpha1.DatasetMix{}
	if err := yaml.UnmarshalStrict(encoded, mix); err != nil {
		t.Fatal(err)
	}
	mix.UID = someUID
	for _, edit := range edits {
		edit(mix)
	}
	meaning, err := render.Recipe(mix)
	if err != nil {
		t.Fatal(err)
	}
	var units []pipeline.Node
	for _, source := range render.Sources(mix) {
		units = append(units, pipeline.Node{Name: source.Name, Key: strings.Repeat("a", 64)})
	}
	return render.Work{
		Mix: mix, Recipe: meaning, Step: pipeline.Step{Stage: stage, Missing: units}, Attempt: 1, Sharing: render.OneNode,
		Location: render.Location{ClaimName: render.ClaimName(mix), Path: "p"}, Settings: render.Settings{WorkerImage: workerImage, HubEndpoint: "http://hub"},
	}
}

// worked sets every field of the worker.
func worked(mix *datav1alpha1.DatasetMix) {
	mix.Labels = map[string]string{datav1alpha1.LabelQueue: "q", datav1alpha1.LabelQueuePriority: "low"}
	mix.Spec.Worker = &datav1alpha1.Worker{
		Parallelism: 2, ActiveDeadlineSeconds: 60, NodeSelector: map[string]string{"pool": "cpu"}, PriorityClassName: "low", RuntimeClassName: "gvisor",
		Tolerations:        []datav1alpha1.Toleration{{Key: "k", Operator: "Equal", Value: "v", Effect: "NoExecute", TolerationSeconds: ptr.To[int64](3)}},
		ServiceAccountName: "reader", ImagePullSecrets: []datav1alpha1.LocalReference{{Name: "registry"}},
		Proxy:     &datav1alpha1.Proxy{HTTP: "http://proxy:1", HTTPS: "http://proxy:2", NoProxy: []datav1alpha1.ProxyException{".svc"}},
		Resources: &datav1alpha1.Resources{Limits: &datav1alpha1.ResourceAmounts{CPU: ptr.To(resource.MustParse("1")), Memory: ptr.To(resource.MustParse("1Gi"))}},
	}
	mix.Spec.Output.DeletionPolicy = ""
}

// asWorkload has the sources of stores asked as the worker's service account.
func asWorkload(mix *datav1alpha1.DatasetMix) {
	for i := range mix.Spec.Domains {
		for j := range mix.Spec.Domains[i].Datasets {
			if store := mix.Spec.Domains[i].Datasets[j].Source.ObjectStore; store != nil {
				store.SecretRef, store.Access = nil, datav1alpha1.AccessWorkloadIdentity
				if strings.HasPrefix(store.URL, "s3://") {
					store.RoleARN = "arn:aws:iam::123456789012:role/reader"
				}
			}
		}
	}
}

// TestTheManagerMayDoItsWork: the policies admit every object that is rendered for a sample, at every stage.
func TestTheManagerMayDoItsWork(t *testing.T) {
	needServer(t)
	space, stolen := namespace(t), thief(t)
	files, err := filepath.Glob(filepath.Join(samples, "data_*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, file := range files {
		for name, edit := range map[string]func(*datav1alpha1.DatasetMix){"as it is": func(*datav1alpha1.DatasetMix) {}, "with a worker": worked, "as a workload": asWorkload} {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml")+" "+name, func(t *testing.T) {
				for _, stage := range pipeline.Stages() {
					work := workOf(t, file, stage, edit, func(mix *datav1alpha1.DatasetMix) { mix.Namespace = space })
					task, err := work.Task()
					if err != nil {
						t.Fatal(err)
					}
					objects := []client.Object{task, work.Job(), render.Results(work.Mix, work.Location, nil)}
					if claim := render.Claim(work.Mix); claim != nil {
						objects = append(objects, claim)
					}
					for _, object := range objects {
						if err := stolen.Create(t.Context(), object); err != nil {
							t.Errorf("%T of stage %s: %v", object, stage, err)
						}
					}
				}
			})
		}
	}
}

// ours returns metadata of the operator's for a mix in a namespace.
func ours(space, name string) metav1.ObjectMeta {
	mix := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "m", UID: someUID}}
	meta := render.Results(mix, render.Location{}, nil).ObjectMeta
	meta.Name = name
	return meta
}

// aJob returns one that the operator renders.
func aJob(t *testing.T, space string) *batchv1.Job {
	return workOf(t, filepath.Join(samples, "data_v1alpha1_datasetmix_huggingface.yaml"), pipeline.StageDownload,
		func(mix *datav1alpha1.DatasetMix) { mix.Namespace = space }).Job()
}

// TestJobsOfAThief: a thief of the manager's token can start only the worker, with no more rights than a worker has.
func TestJobsOfAThief(t *testing.T) {
	needServer(t)
	type pod = corev1.PodSpec
	volume := func(source corev1.VolumeSource) func(*batchv1.Job) {
		return func(job *batchv1.Job) {
			spec := &job.Spec.Template.Spec
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "more", VolumeSource: source})
		}
	}
	projected := func(source corev1.VolumeProjection) func(*batchv1.Job) {
		return volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{source}}})
	}
	of := func(edit func(*pod)) func(*batchv1.Job) {
		return func(job *batchv1.Job) { edit(&job.Spec.Template.Spec) }
	}
	container := func(edit func(*corev1.Container)) func(*batchv1.Job) {
		return func(job *batchv1.Job) { edit(&job.Spec.Template.Spec.Containers[0]) }
	}
	secure := func(edit func(*corev1.SecurityContext)) func(*batchv1.Job) {
		return container(func(c *corev1.Container) { edit(c.SecurityContext) })
	}
	const (
		node, one, runs = "given nothing of its node", "has one container", "runs /worker"
		restricted      = "restricted Pod Security Standard"
		volumes, tokens = "volumes are claims", "for AWS alone"
		labels          = "labels of a worker"
		environment     = "environment comes from no Secret"
	)
	tests := []struct {
		name string
		edit func(*batchv1.Job)
		want string
	}{
		{"as it is", func(*batchv1.Job) {}, ""},
		{"another image", container(func(c *corev1.Container) { c.Image = "docker.io/evil/shell:1" }), "its own worker image alone, " + workerImage},
		{"another tag of the image", container(func(c *corev1.Container) { c.Image += "2" }), "its own worker image alone"},
		{"a shell", container(func(c *corev1.Container) { c.Command = []string{"/bin/sh", "-c"} }), runs},
		{"a command of the worker for people", container(func(c *corev1.Container) { c.Command = []string{contract.WorkerProgram, "receive"} }), runs},
		{"the manager's program", container(func(c *corev1.Container) { c.Command = nil }), runs},
		{"arguments", container(func(c *corev1.Container) { c.Args = []string{"x"} }), one},
		{"a second container", of(func(p *pod) {
			p.Containers = append(p.Containers, *p.Containers[0].DeepCopy())
			p.Containers[1].Name = "b"
		}), one},
		{"a container before it", of(func(p *pod) {
			p.InitContainers = []corev1.Container{*p.Containers[0].DeepCopy()}
			p.InitContainers[0].Name = "b"
		}), node},
		{"a hook", container(func(c *corev1.Container) {
			c.Lifecycle = &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"/worker"}}}}
		}), one},
		{"a port of the node", container(func(c *corev1.Container) { c.Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}} }), one},
		{"a device", container(func(c *corev1.Container) {
			c.VolumeMounts, c.VolumeDevices = c.VolumeMounts[1:], []corev1.VolumeDevice{{Name: "data", DevicePath: "/dev/x"}}
		}), one},
		{"a Secret as a variable", container(func(c *corev1.Container) {
			c.Env = append(c.Env, corev1.EnvVar{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "a"}, Key: "k"}}})
		}), environment},
		{"a Secret as the environment", container(func(c *corev1.Container) {
			c.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "a"}}}}
		}), one},
		{"a token", of(func(p *pod) { p.AutomountServiceAccountToken = ptr.To(true) }), "no token"},
		{"a token by default", of(func(p *pod) { p.AutomountServiceAccountToken = nil }), "no token"},
		{"a projected token of the API server", projected(corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "t"}}), tokens},
		{"a projected token of Vault", projected(corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "t", Audience: "vault"}}), tokens},
		{"privilege", secure(func(c *corev1.SecurityContext) { c.Privileged, c.AllowPrivilegeEscalation = ptr.To(true), nil }), restricted},
		{"escalation", secure(func(c *corev1.SecurityContext) { c.AllowPrivilegeEscalation = ptr.To(true) }), restricted},
		{"a capability", secure(func(c *corev1.SecurityContext) { c.Capabilities.Add = []corev1.Capability{"NET_ADMIN"} }), restricted},
		{"all capabilities", secure(func(c *corev1.SecurityContext) { c.Capabilities = nil }), restricted},
		{"root in the container", secure(func(c *corev1.SecurityContext) { c.RunAsUser, c.RunAsNonRoot = ptr.To[int64](0), ptr.To(false) }), restricted},
		{"a root file system that can be written", secure(func(c *corev1.SecurityContext) { c.ReadOnlyRootFilesystem = nil }), restricted},
		{"no profile", secure(func(c *corev1.SecurityContext) {
			c.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
		}), restricted},
		{"root", of(func(p *pod) { p.SecurityContext.RunAsUser, p.SecurityContext.RunAsNonRoot = ptr.To[int64](0), nil }), restricted},
		{"another group", of(func(p *pod) { p.SecurityContext.SupplementalGroups = []int64{0} }), restricted},
		{"a kernel setting", of(func(p *pod) { p.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "net.ipv4.ip_forward", Value: "1"}} }), restricted},
		{"no security at all", of(func(p *pod) { p.SecurityContext, p.Containers[0].SecurityContext = nil, nil }), restricted},
		{"the node's network", of(func(p *pod) { p.HostNetwork = true }), node},
		{"the node's processes", of(func(p *pod) { p.HostPID = true }), node},
		{"the node's IPC", of(func(p *pod) { p.HostIPC = true }), node},
		{"a node by name", of(func(p *pod) { p.NodeName = "control-plane" }), node},
		{"names of hosts", of(func(p *pod) {
			p.HostAliases = []corev1.HostAlias{{IP: "10.0.0.1", Hostnames: []string{"huggingface.co"}}}
		}), node},
		{"a DNS of one's own", of(func(p *pod) {
			p.DNSPolicy, p.DNSConfig = corev1.DNSNone, &corev1.PodDNSConfig{Nameservers: []string{"10.0.0.1"}}
		}), node},
		{"a folder of the node", volume(corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}), volumes},
		{"a share of a server", volume(corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "s", Path: "/"}}), volumes},
		{"a driver's volume", volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "secrets-store.csi.k8s.io"}}), volumes},
		{"another image's files", volume(corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "docker.io/evil/files:1"}}), volumes},
		{"fields of the pod", projected(corev1.VolumeProjection{DownwardAPI: &corev1.DownwardAPIProjection{}}), volumes},
		{"the priority of the cluster itself", of(func(p *pod) { p.PriorityClassName = "system-node-critical" }), "pushes no pod of the cluster itself aside"},
		{"labels of somebody else's Service", func(job *batchv1.Job) { job.Spec.Template.Labels["app"] = "bank" }, labels},
		{"the name of somebody else's pods", func(job *batchv1.Job) { job.Spec.Template.Labels["app.kubernetes.io/name"] = "bank" }, labels},
		{"an annotation", func(job *batchv1.Job) {
			job.Spec.Template.Annotations = map[string]string{"k8s.v1.cni.cncf.io/networks": "storage"}
		}, labels},
		{"nobody's", func(job *batchv1.Job) { job.OwnerReferences = nil }, "which owns them"},
		{"a Deployment's", func(job *batchv1.Job) {
			job.OwnerReferences[0].Kind, job.OwnerReferences[0].APIVersion = "Deployment", "apps/v1"
		}, "which owns them"},
		{"another mix's", func(job *batchv1.Job) { job.OwnerReferences[0].UID = "other" }, "which owns them"},
		{"another operator's", func(job *batchv1.Job) { job.Labels["app.kubernetes.io/managed-by"] = "helm" }, "what it made for a mix"},
		{"in kube-system", func(job *batchv1.Job) { job.Namespace = "kube-system" }, "no namespace of the cluster itself"},
		{"in its own namespace", func(job *batchv1.Job) { job.Namespace = managerNamespace }, "in its own namespace"},
	}
	space, stolen := namespace(t), thief(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			job := aJob(t, space)
			test.edit(job)
			refusal(t, stolen.Create(t.Context(), job), test.want)
		})
	}
}

// refusal compares what the API server answered with what the policy has to say; nothing is that it lets through.
func refusal(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (!byPolicy(err) || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want the policy to say %q", err, want)
	}
}

// TestChangesOfAThief: a thief of the manager's token can neither change, delete nor adopt objects that the operator did not create.
func TestChangesOfAThief(t *testing.T) {
	needServer(t)
	space := namespace(t)
	config := func(meta metav1.ObjectMeta) *corev1.ConfigMap { return &corev1.ConfigMap{ObjectMeta: meta} }
	claim := func(meta metav1.ObjectMeta, more ...func(*corev1.PersistentVolumeClaimSpec)) *corev1.PersistentVolumeClaim {
		spec := corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: ptr.To("s"),
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		}
		for _, edit := range more {
			edit(&spec)
		}
		meta.OwnerReferences = nil
		return &corev1.PersistentVolumeClaim{ObjectMeta: meta, Spec: spec}
	}
	theirs := func(space, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: space, Name: name, Labels: map[string]string{"app": "bank"}}
	}
	edited := func(object client.Object) {
		object.SetAnnotations(map[string]string{"changed": "true"})
		if config, ok := object.(*corev1.ConfigMap); ok {
			config.Data = map[string]string{"Corefile": "evil"}
		}
	}
	stripped := func(object client.Object) { object.SetLabels(nil) }
	taken := func(object client.Object) {
		object.SetLabels(ours(space, "x").Labels)
		object.SetOwnerReferences(ours(space, "x").OwnerReferences)
	}
	const notMade, closed, own, fresh = "what it made for a mix", "no namespace of the cluster itself", "in its own namespace", "empty and new"
	tests := []struct {
		name   string
		before client.Object // made by somebody else; nil: the thief makes after
		change func(client.Object)
		after  client.Object // nil with before, without change: the thief deletes
		want   string
	}{
		{name: "its own ConfigMap made", after: config(ours(space, "m1"))},
		{name: "its own ConfigMap changed", before: config(ours(space, "m2")), change: edited},
		{name: "its own ConfigMap deleted", before: config(ours(space, "m3"))},
		{name: "its own Job deleted", before: aJob(t, space)},
		{name: "its own claim made", after: claim(ours(space, "c1"))},
		{name: "a ConfigMap of nobody's made", after: config(theirs(space, "n1")), want: notMade},
		{name: "a ConfigMap that no mix owns made", after: config(metav1.ObjectMeta{Namespace: space, Name: "n2", Labels: ours(space, "x").Labels}), want: "which owns them"},
		{name: "somebody's ConfigMap changed", before: config(theirs(space, "t1")), change: edited, want: notMade},
		{name: "somebody's ConfigMap taken over", before: config(theirs(space, "t2")), change: taken, want: notMade},
		{name: "its own ConfigMap given away", before: config(ours(space, "t3")), change: stripped, want: notMade},
		{name: "somebody's ConfigMap deleted", before: config(theirs(space, "t4")), want: notMade},
		{name: "CoreDNS changed", before: config(theirs("kube-system", "coredns")), change: edited, want: closed},
		{name: "the users of AWS changed", before: config(theirs("kube-system", "aws-auth")), change: edited, want: closed},
		{name: "CoreDNS deleted", before: config(theirs("kube-system", "coredns-2")), want: closed},
		{name: "one with the labels in kube-public", after: config(ours("kube-public", "cluster-info-2")), want: closed},
		{name: "one with the labels in its own namespace", after: config(ours(managerNamespace, "m")), want: own},
		{name: "somebody's Job deleted", before: &batchv1.Job{ObjectMeta: theirs(space, "j1"), Spec: aJob(t, space).Spec}, want: notMade},
		{name: "somebody's claim changed", before: claim(theirs(space, "c2")), change: edited, want: notMade},
		{name: "somebody's claim taken over", before: claim(theirs(space, "c3")), change: taken, want: notMade},
		{name: "a claim of nobody's", after: claim(theirs(space, "c4")), want: notMade},
		{name: "a claim for a volume by name", after: claim(ours(space, "c5"), func(s *corev1.PersistentVolumeClaimSpec) { s.VolumeName = "of-the-bank" }), want: fresh},
		{name: "a copy of a claim", after: claim(ours(space, "c6"), func(s *corev1.PersistentVolumeClaimSpec) {
			s.DataSource = &corev1.TypedLocalObjectReference{Kind: "PersistentVolumeClaim", Name: "of-the-bank"}
		}), want: fresh},
		{name: "a claim by selector", after: claim(ours(space, "c7"), func(s *corev1.PersistentVolumeClaimSpec) {
			s.StorageClassName, s.Selector = nil, &metav1.LabelSelector{MatchLabels: map[string]string{"of": "the-bank"}}
		}), want: fresh},
	}
	stolen := thief(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.before == nil {
				refusal(t, stolen.Create(t.Context(), test.after), test.want)
				return
			}
			if err := api.Create(t.Context(), test.before); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = api.Delete(t.Context(), test.before) })
			if test.change == nil {
				refusal(t, stolen.Delete(t.Context(), test.before), test.want)
				return
			}
			changed := test.before.DeepCopyObject().(client.Object)
			test.change(changed)
			if _, ok := changed.(*corev1.ConfigMap); ok {
				refusal(t, stolen.Update(t.Context(), changed), test.want)
				return
			}
			refusal(t, stolen.Patch(t.Context(), changed, client.MergeFrom(test.before)), test.want)
		})
	}
}

// TestSuspendingAfterOthers: an administrator's webhook or Kueue may have added to a Job's pods; the manager still suspends it, and
// changes no pod.
func TestSuspendingAfterOthers(t *testing.T) {
	needServer(t)
	job := aJob(t, namespace(t))
	job.Spec.Suspend = ptr.To(true)
	job.Spec.Template.Annotations = map[string]string{"added": "by a webhook"}
	if err := api.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	resumed := job.DeepCopy()
	resumed.Spec.Suspend = ptr.To(false)
	refusal(t, thief(t).Patch(t.Context(), resumed, client.MergeFrom(job)), "")
	moved := job.DeepCopy()
	moved.Spec.Template.Spec.NodeSelector = map[string]string{"node-role.kubernetes.io/control-plane": ""}
	refusal(t, thief(t).Patch(t.Context(), moved, client.MergeFrom(job)), "and no annotation")
}

// TestOthersAreNotConfined: the policies apply only to the manager.
func TestOthersAreNotConfined(t *testing.T) {
	needServer(t)
	job := aJob(t, namespace(t))
	job.OwnerReferences, job.Labels = nil, nil
	job.Spec.Template.Spec.Containers[0].Image = "docker.io/library/busybox:1"
	if err := api.Create(t.Context(), job, client.DryRunAll); err != nil {
		t.Error(err)
	}
}

// TestTenants: the example of config/tenants bounds what a mix may name, in the namespaces that are labelled.
func TestTenants(t *testing.T) {
	needServer(t)
	if err := install(t.Context(), "tenants"); err != nil {
		t.Fatal(err)
	}
	bounded, free := namespace(t), namespace(t)
	labelled := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: bounded}}
	if err := api.Patch(t.Context(), labelled, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"data.datasetmix.io/tenants":"bounded"}}}`))); err != nil {
		t.Fatal(err)
	}
	source := func(source datav1alpha1.Source) func(*datav1alpha1.DatasetMix) {
		return func(mix *datav1alpha1.DatasetMix) { mix.Spec.Domains[2].Datasets[1].Source = source }
	}
	hub := func(endpoint, secret string) func(*datav1alpha1.DatasetMix) {
		from := &datav1alpha1.HuggingFaceSource{Repo: "a/b", Endpoint: endpoint}
		if secret != "" {
			from.TokenSecretRef = &datav1alpha1.SecretKeyReference{Name: secret, Key: "token"}
		}
		return source(datav1alpha1.Source{HuggingFace: from})
	}
	files := func(addresses ...string) func(*datav1alpha1.DatasetMix) {
		from := &datav1alpha1.HTTPSource{}
		for _, address := range addresses {
			from.URLs = append(from.URLs, datav1alpha1.HTTPFile{URL: address})
		}
		return source(datav1alpha1.Source{HTTP: from})
	}
	worker := func(worker datav1alpha1.Worker) func(*datav1alpha1.DatasetMix) {
		return func(mix *datav1alpha1.DatasetMix) { mix.Spec.Worker = &worker }
	}
	const hosts, secrets, claims = "are on these hosts: huggingface.co, .data.example.org.", "begin with datasetmix-", "claims begin with datasets"
	tests := []struct {
		name string
		edit func(*datav1alpha1.DatasetMix)
		want string
	}{
		{"as it is", func(*datav1alpha1.DatasetMix) {}, ""},
		{"a host that is named", hub("https://huggingface.co", "datasetmix-hub"), ""},
		{"a host below a domain", files("https://a.b.data.example.org/x.jsonl"), ""},
		{"the domain itself", files("https://data.example.org/x.jsonl"), hosts},
		{"a host that ends alike", files("https://evildata.example.org/x.jsonl"), hosts},
		{"a second file elsewhere", files("https://a.data.example.org/x.jsonl", "https://evil.example/x.jsonl"), hosts},
		{"a port, and a name before it", files("https://huggingface.co.evil.example:443/x"), hosts},
		{"a Hub elsewhere", hub("http://10.0.0.1:8080", "datasetmix-hub"), hosts},
		{"a registry elsewhere", source(datav1alpha1.Source{OCI: &datav1alpha1.OCISource{Reference: "evil.example:5000/a:v1"}}), hosts},
		{"a registry that is named", source(datav1alpha1.Source{OCI: &datav1alpha1.OCISource{Reference: "oci.data.example.org/a/b:v1"}}), ""},
		{"a store elsewhere", source(datav1alpha1.Source{ObjectStore: &datav1alpha1.ObjectStoreSource{URL: "s3://b/c", Endpoint: "https://evil.example"}}), hosts},
		{"a proxy elsewhere", worker(datav1alpha1.Worker{Proxy: &datav1alpha1.Proxy{HTTPS: "http://evil.example:3128"}}), hosts},
		{"somebody's Secret", hub("", "database"), secrets},
		{"somebody's Secret to pull with", worker(datav1alpha1.Worker{ImagePullSecrets: []datav1alpha1.LocalReference{{Name: "database"}}}), secrets},
		{"somebody's claim", source(datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: "database"}}), claims},
		{"a claim for data sets", source(datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: "datasets-raw"}}), ""},
		{"to build on somebody's claim", func(mix *datav1alpha1.DatasetMix) {
			mix.Spec.Output.Volume = datav1alpha1.OutputVolume{ClaimName: "database"}
		}, claims},
		{"to decontaminate against somebody's claim", func(mix *datav1alpha1.DatasetMix) {
			mix.Spec.Decontaminate = &datav1alpha1.Decontaminate{Against: []datav1alpha1.Probe{{
				Name: "p", Question: "row.q", Source: datav1alpha1.Source{Volume: &datav1alpha1.VolumeSource{ClaimName: "database"}}}}}
		}, claims},
		{"another account", worker(datav1alpha1.Worker{ServiceAccountName: "admin"}), "run as default or datasetmix-worker"},
		{"another role", source(datav1alpha1.Source{ObjectStore: &datav1alpha1.ObjectStoreSource{
			URL: "s3://b/c", Access: datav1alpha1.AccessWorkloadIdentity, RoleARN: "arn:aws:iam::123456789012:role/admin"}}), "roles of AWS"},
		{"another priority", worker(datav1alpha1.Worker{PriorityClassName: "high"}), "priority classes are batch-low"},
		{"a priority that is named", worker(datav1alpha1.Worker{PriorityClassName: "batch-low"}), ""},
		{"nodes", worker(datav1alpha1.Worker{NodeSelector: map[string]string{"node-role.kubernetes.io/control-plane": ""}}), "chosen by the cluster"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for space, want := range map[string]string{bounded: test.want, free: ""} {
				mix := sample(t, space)
				test.edit(mix)
				err := api.Create(t.Context(), mix, client.DryRunAll)
				for deadline := time.Now().Add(timeout); want != "" && err == nil && time.Now().Before(deadline); time.Sleep(interval) {
					err = api.Create(t.Context(), mix, client.DryRunAll) // the API server is told of policies and labels a little later
				}
				refusal(t, err, want)
			}
		})
	}
}

// TestARefusedImageIsSaid: where an overlay sets the image of the manager and not that of the policy, the mix says so, and goes on
// when they agree.
func TestARefusedImageIsSaid(t *testing.T) {
	needAPI(t)
	admits := func(image string) {
		policy := &admissionv1.ValidatingAdmissionPolicy{}
		if err := api.Get(context.Background(), client.ObjectKey{Name: "datasetmix-manager-jobs"}, policy); err != nil {
			t.Fatal(err)
		}
		before := policy.DeepCopy()
		policy.Spec.Variables[0].Expression = "'" + image + "'"
		if err := api.Patch(context.Background(), policy, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
	}
	space := namespace(t)
	admits("registry.example.org/another:v1")
	t.Cleanup(func() { admits(workerImage) })
	eventually(t, "the policy changes", func() string {
		if err := thief(t).Create(t.Context(), aJob(t, space)); byPolicy(err) {
			return ""
		}
		return "Jobs are let through"
	})
	newDriver(t, space)
	mix := create(t, space, nil)
	eventually(t, "the mix says what is refused", func() string {
		read(t, mix)
		ready := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady)
		if ready == nil || ready.Reason != datav1alpha1.ReasonProgressingWithRetry || !strings.Contains(ready.Message, "registry.example.org/another:v1, and not "+workerImage) {
			return fmt.Sprintf("Ready is %+v", ready)
		}
		return ""
	})
	admits(workerImage)
	published(t, mix)
}

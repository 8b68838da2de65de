package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/test/tutorials"
)

// installed is a person who installs the operator on a cluster that does not have it, by the commands of a page.
type installed struct {
	*cluster
	folder      string
	environment []string
	steps       []tutorials.Step
	before      map[string]string
}

// Addresses of a release as docs/install.md has them; the tests put files in their places.
const (
	releasedChart    = "oci://ghcr.io/datasetmix/charts/datasetmix"
	releasedManifest = "https://github.com/datasetmix/datasetmix/releases/latest/download/install.yaml"
)

// newInstalled prepares what the commands name: Helm, the samples with this cluster's images and Hub. The operator must not be there.
func newInstalled(t *testing.T) *installed {
	t.Helper()
	if os.Getenv("INSTALLATIONS") == "" {
		t.Skip("it takes a cluster without the operator, and Helm: make installations")
	}
	e := newCluster(t)
	e.apply("hub.yaml", "", "HUB_IMAGE", "datasetmix-hub:dev")
	e.serving("datasetmix-hub")
	i := &installed{cluster: e, folder: t.TempDir()}
	bin, err := filepath.Abs("../../bin")
	e.must(err)
	i.environment = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "KUBECONFIG="+e.kubeconfig(i.folder), "HOME="+i.folder)
	page, err := os.ReadFile("../../docs/install.md")
	e.must(err)
	i.steps, err = tutorials.Steps("docs/install.md", string(page))
	e.must(err)
	for _, file := range []string{grpoSix, "training/job.yaml"} {
		content, err := os.ReadFile(filepath.Join(samples, file))
		e.must(err)
		i.put(filepath.Join("config/samples", file), i.endpoint(images.Replace(string(content))))
	}
	i.before = i.everything()
	if i.before["CustomResourceDefinition datasetmixes.data.datasetmix.io"] != "" {
		t.Fatal("the operator is on this cluster: make cluster-down first")
	}
	t.Cleanup(func() { // after a failure: what the test itself did not get to
		if t.Failed() {
			_, _ = i.shell("helm uninstall datasetmix --namespace datasetmix-system; kubectl delete crd datasetmixes.data.datasetmix.io; kubectl delete --ignore-not-found -f install.yaml")
		}
	})
	return i
}

// endpoint has the sources of a manifest read this cluster's Hub.
func (i *installed) endpoint(manifest string) string {
	return strings.ReplaceAll(manifest, "        huggingFace:\n", "        huggingFace:\n          endpoint: http://"+i.address("datasetmix-hub", "hub")+"\n")
}

// put writes a file of the person's folder.
func (i *installed) put(name, content string) {
	i.Helper()
	file := filepath.Join(i.folder, name)
	i.must(os.MkdirAll(filepath.Dir(file), 0o750))
	i.must(os.WriteFile(file, []byte(content), 0o600))
}

// chart copies a chart, with an image as its release has it in its values: what a person sets comes on top.
func (i *installed) chart(from, name, tag string) {
	i.Helper()
	i.must(exec.Command("cp", "--recursive", "--dereference", from, filepath.Join(i.folder, name)).Run()) // the definition is a link to config
	file := filepath.Join(i.folder, name, "values.yaml")
	values, err := os.ReadFile(file)
	i.must(err)
	text := strings.NewReplacer("  repository: ghcr.io/datasetmix/datasetmix\n", "  repository: datasetmix\n", "  tag: \"\"\n", "  tag: "+tag+"\n").Replace(string(values))
	if text == string(values) {
		i.Fatalf("%s has no image to set", file)
	}
	i.must(os.WriteFile(file, []byte(text), 0o600))
}

// shell runs commands in the user's folder.
func (i *installed) shell(script string) (string, error) {
	script = strings.NewReplacer(releasedChart, "./chart", releasedManifest, "install.yaml").Replace(script)
	command := exec.Command("bash", "-euo", "pipefail", "-c", script)
	command.Dir, command.Env = i.folder, i.environment
	out, err := command.CombinedOutput()
	return string(out), err
}

// block returns the commands of the page in the first block that has a text.
func (i *installed) block(text string) []string {
	i.Helper()
	return i.find(text, func(script string) bool { return strings.Contains(script, text) })
}

// only returns the one command of a block that has no other.
func (i *installed) only(text string) []string {
	i.Helper()
	return i.find(text, func(script string) bool { return strings.HasPrefix(script, text) && !strings.Contains(script, "\n") })
}

func (i *installed) find(text string, wanted func(script string) bool) []string {
	i.Helper()
	for _, step := range i.steps {
		if script := strings.TrimSpace(step.Script); step.Marker == tutorials.Cluster && wanted(script) {
			return strings.Split(script, "\n")
		}
	}
	i.Fatalf("docs/install.md has no block for a cluster with %q", text)
	return nil
}

// types runs commands one after another, prints how long each took, and returns what the last one printed.
func (i *installed) types(commands []string) string {
	i.Helper()
	var out string
	began := time.Now()
	for _, command := range commands {
		at := time.Now()
		var err error
		if out, err = i.shell(command); err != nil {
			i.Fatalf("%s: %v\n%s", command, err, out)
		}
		i.Logf("%6.1f s  %s", time.Since(at).Seconds(), command)
	}
	i.Logf("%6.1f s  in all", time.Since(began).Seconds())
	return out
}

// transient are kinds that come and go by themselves, or are none any more.
var transient = []string{"Event", "EndpointSlice", "Endpoints", "ControllerRevision", "PodMetrics", "NodeMetrics", "ComponentStatus"}

// everything lists each object of each kind that the API server has, by kind, namespace and name, and how the tests name it: without what of
// a name is generated, and those that the operator has made for a mix together, but for its claim.
func (i *installed) everything() map[string]string {
	i.Helper()
	all := map[string]string{}
	lists, err := i.clientset.Discovery().ServerPreferredResources()
	i.must(err)
	reader, err := metadata.NewForConfig(i.config)
	i.must(err)
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		i.must(err)
		for _, kind := range list.APIResources {
			if !slices.Contains(kind.Verbs, "list") || slices.Contains(transient, kind.Kind) {
				continue
			}
			objects, err := reader.Resource(version.WithResource(kind.Name)).List(i.Context(), metav1.ListOptions{})
			if apierrors.IsNotFound(err) {
				continue // its definition has just been deleted
			}
			i.must(err)
			for _, object := range objects.Items {
				if object.Namespace == "datasetmix-hub" {
					continue // it is the test's, which stops and starts it
				}
				name := strings.TrimPrefix(object.Namespace+"/"+object.Name, "/")
				shown := strings.TrimSpace(kind.Kind + " " + generated.ReplaceAllString(strings.TrimPrefix(name, i.namespace+"/"), ""))
				if object.Labels[datav1alpha1.LabelName] != "" && kind.Kind != "PersistentVolumeClaim" {
					shown = kind.Kind + " of a mix"
				}
				all[kind.Kind+" "+name] = shown
			}
		}
	}
	return all
}

// generated matches the end of a generated name.
var generated = regexp.MustCompile(`(-[a-z0-9]{5})$|pvc-[0-9a-f-]{36}$`)

// left waits until these are the objects that were not there before.
func (i *installed) left(want ...string) {
	i.Helper()
	var got []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Second) {
		found := map[string]bool{}
		for name, shown := range i.everything() {
			if i.before[name] == "" {
				found[shown] = true
			}
		}
		if got = slices.Sorted(maps.Keys(found)); slices.Equal(got, want) {
			return
		}
	}
	i.Errorf("what is left (-want +got):\n%s", cmp.Diff(want, got))
}

// peoples are the objects that no uninstallation may take: the training, and the data that it has read.
var peoples = []string{"Job train", "PersistentVolume", "PersistentVolumeClaim grpo-six-data", "Pod train"}

// kept are the objects that helm uninstall also leaves, as docs/install.md says.
var kept = []string{
	"APIService v1alpha1.data.datasetmix.io", // of the definition
	"ConfigMap datasetmix-system/kube-root-ca.crt", "ConfigMap of a mix", "CustomResourceDefinition datasetmixes.data.datasetmix.io", "DatasetMix grpo-six", "Job of a mix",
	"Lease datasetmix-system/manager.datasetmix.io", "Namespace datasetmix-system", "Pod of a mix", "ServiceAccount datasetmix-system/default",
}

// inTraining runs the five commands and looks at what the training read.
func (i *installed) inTraining(commands []string) {
	i.Helper()
	if len(commands) != 5 {
		i.Errorf("there are %d commands, and five are promised: %q", len(commands), commands)
	}
	out := i.types(commands)
	mix := i.ready("grpo-six")
	if !strings.Contains(out, "160107 rows an epoch of revision "+mix.Status.Published.Digest[:10]) || !strings.Contains(out, "'math': 16") {
		i.Errorf("the training of revision %s says:\n%s", mix.Status.Published.Digest, out)
	}
}

// TestInstallWithTheChart goes from nothing to a mixed file in a training pod by the five commands of docs/install.md, and back to nothing but what it says.
func TestInstallWithTheChart(t *testing.T) {
	i := newInstalled(t)
	i.needsPython()
	i.chart("../../charts/datasetmix", "chart", "dev")
	i.inTraining(i.block("helm install"))

	i.types(i.only("helm uninstall"))
	i.left(slices.Sorted(slices.Values(slices.Concat(peoples, kept)))...)
	i.types(i.block("helm install")[:1])
	i.types(i.block("kubectl delete crd"))
	i.left(peoples...)
	if out := i.types(i.block("kubectl get pvc")); !strings.Contains(out, "grpo-six-data") {
		t.Errorf("the claim is not listed:\n%s", out)
	}
}

// TestInstallWithTheManifest does the same with install.yaml.
func TestInstallWithTheManifest(t *testing.T) {
	i := newInstalled(t)
	i.needsPython()
	i.manifest()
	i.inTraining(append(i.block("apply --server-side -f "+releasedManifest), i.block("helm install")[1:]...))

	i.types(i.block("kubectl delete -f " + releasedManifest))
	i.left(peoples...)
}

// needsPython skips the test where the training's image could not be made.
func (i *installed) needsPython() {
	i.Helper()
	if _, err := os.Stat("../../dist/python.tar"); err != nil {
		i.Skipf("there is no image of Python: %v; hack/python-image.sh says why", err)
	}
}

// manifest writes install.yaml as make install-yaml does.
func (i *installed) manifest() {
	i.Helper()
	command := exec.Command("go", "run", "./hack/release", "-install", "datasetmix:dev", "-version", "dev")
	command.Dir = "../.."
	out, err := command.Output()
	i.must(err)
	i.put("install.yaml", string(out))
}

// TestHelmUpgrade upgrades from the chart and the programs of the previous commit in mid-build, by the command of docs/install.md: nothing is built twice, the bytes are those of
// this commit alone, values that were set and fields that others have set are kept, and the definition is the new one.
func TestHelmUpgrade(t *testing.T) {
	i := newInstalled(t)
	if _, err := os.Stat("../../dist/previous.tar"); err != nil {
		t.Skip("there is no image of the previous commit (dist/previous.tar); make previous builds one where there is a history")
	}
	want := i.whole()
	hub := "http://" + i.address("datasetmix-hub", "hub")
	i.chart("../../dist/previous/charts/datasetmix", "chart", "previous")
	i.types([]string{
		i.block("helm install")[0] + " --set hubEndpoint=" + hub,
		"kubectl annotate crd datasetmixes.data.datasetmix.io example.org/owner=data --field-manager=admin",
		"kubectl --namespace datasetmix-system set env deployment/datasetmix-manager HTTPS_PROXY_NOTE=kept",
		"kubectl --namespace datasetmix-system rollout status deployment/datasetmix-manager --timeout=3m",
	})
	serve := i.silentHub()
	i.must(i.Create(t.Context(), i.sixDataSets()))
	i.stage("download")
	i.must(os.RemoveAll(filepath.Join(i.folder, "chart")))
	i.chart("../../charts/datasetmix", "chart", "dev")
	i.put("chart/files/datasetmixes.yaml", i.grown())
	i.types(i.block("helm upgrade"))
	serve()
	if mix := i.ready("grpo-six"); mix.Status.Published.Digest != want {
		t.Errorf("the published manifest is %s, that of this commit is %s", mix.Status.Published.Digest, want)
	}
	i.builtOnce()
	for command, want := range map[string]string{
		"kubectl get crd datasetmixes.data.datasetmix.io -o yaml":                         "example.org/owner: data",
		"kubectl explain datasetmix.spec.suspend":                                         "A later release says more.",
		"kubectl --namespace datasetmix-system get deployment datasetmix-manager -o yaml": "HTTPS_PROXY_NOTE",
		"helm get values datasetmix --namespace datasetmix-system":                        "hubEndpoint: " + hub,
		"kubectl --namespace datasetmix-system get pods -o yaml":                          "image: datasetmix:dev",
	} {
		if out, err := i.shell(command); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v: no %q in\n%s", command, err, want, out)
		}
	}
	i.forgotten()
}

// forgotten removes the definition before the mixes. What then stays is a matter of which controller is faster, so this takes the worst of it, where nothing that a mix owns is
// deleted with it; the one command of the page does the rest.
func (i *installed) forgotten() {
	i.Helper()
	data := []string{"PersistentVolume", "PersistentVolumeClaim grpo-six-data"}
	i.types(append(i.only("helm uninstall"), "kubectl delete datasetmixes --all --all-namespaces --cascade=orphan"))
	i.types(i.block("kubectl delete crd")[2:])
	i.left(append([]string{"ConfigMap of a mix", "Job of a mix"}, append(data, "Pod of a mix")...)...)
	i.types(i.only("kubectl delete jobs"))
	i.left(data...)
}

// grown returns the definition of the chart with another text, as a later release has it.
func (i *installed) grown() string {
	i.Helper()
	content, err := os.ReadFile("../../charts/datasetmix/files/datasetmixes.yaml")
	i.must(err)
	const at = "              suspend:\n                description: |-\n"
	if !strings.Contains(string(content), at) {
		i.Fatalf("the definition has no %q", at)
	}
	return strings.Replace(string(content), at, at+"                  A later release says more.\n", 1)
}

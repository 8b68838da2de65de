package render

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/pki"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	kubeproxyv1alpha1 "k8s.io/kube-proxy/config/v1alpha1"
	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"
)

var testCluster = spec.Cluster{
	Name: "test", StateDir: "/state/test", BinDir: "/bin", CNIBinDir: "/usr/lib/cni", Network: 7, Snapshotter: "overlayfs",
}

func files(t *testing.T, node int) map[string][]byte {
	t.Helper()
	files, err := Files(testCluster, node)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Strict decoding into Kubernetes' own types finds misspelled and moved fields.
func TestKubernetesConfigurationIsKnown(t *testing.T) {
	var kubelet kubeletv1beta1.KubeletConfiguration
	if err := yaml.UnmarshalStrict(files(t, 1)["kubelet.yaml"], &kubelet); err != nil {
		t.Fatal(err)
	}
	if kubelet.CgroupRoot != testCluster.CgroupRoot(1) {
		t.Errorf("the second kubelet's cgroup is %q", kubelet.CgroupRoot)
	}
	if *kubelet.FailCgroupV1 || *kubelet.FailSwapOn || *kubelet.OOMScoreAdj != 0 {
		t.Error("the kubelet would refuse to start on a machine with cgroups version 1, swap, or without CAP_SYS_RESOURCE")
	}
	var proxy kubeproxyv1alpha1.KubeProxyConfiguration
	if err := yaml.UnmarshalStrict(files(t, 1)["kube-proxy.yaml"], &proxy); err != nil {
		t.Fatal(err)
	}
	if proxy.HostnameOverride != "test-1" || proxy.Mode != "nftables" || *proxy.Conntrack.MaxPerCore != 0 {
		t.Errorf("kube-proxy's configuration is %+v", proxy)
	}
}

func TestCNIConfiguration(t *testing.T) {
	var list struct {
		Name    string
		Plugins []struct {
			Type string
			IPAM struct {
				Ranges [][]struct{ Subnet string }
			}
		}
	}
	if err := json.Unmarshal(files(t, 1)["cni/10-pods.conflist"], &list); err != nil {
		t.Fatal(err)
	}
	if got := list.Plugins[0].IPAM.Ranges[0][0].Subnet; got != "10.244.1.0/24" {
		t.Errorf("the second node's pods get addresses of %s", got)
	}
}

func TestContainerdConfiguration(t *testing.T) {
	config := string(files(t, 0)["containerd.toml"])
	for _, want := range []string{
		`sandbox_image = "` + spec.PauseImage + `"`, `restrict_oom_score_adj = true`, `snapshotter = "overlayfs"`,
		`bin_dir = "/usr/lib/cni"`, `address = "` + spec.ContainerdSocket + `"`,
	} {
		if !strings.Contains(config, want) {
			t.Errorf("containerd.toml lacks %s", want)
		}
	}
}

func TestComponents(t *testing.T) {
	all := slices.Concat(ControlPlane(testCluster), Node(testCluster, 0))
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
		for _, arg := range c.Args {
			if strings.Contains(arg, testCluster.StateDir) {
				t.Errorf("%s: %s is a path of the host, which the node does not see", c.Name, arg)
			}
		}
	}
	want := []string{Etcd, APIServer, ControllerManager, Scheduler, Containerd, Kubelet, Proxy}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for component, arg := range map[string]string{
		APIServer:         "--kubelet-preferred-address-types=InternalIP",
		Etcd:              "--unsafe-no-fsync",
		ControllerManager: "--leader-elect=false",
		Scheduler:         "--leader-elect=false",
		Kubelet:           "--node-ip=10.240.7.2",
	} {
		i := slices.Index(names, component)
		if !slices.Contains(all[i].Args, arg) {
			t.Errorf("%s is not called with %s", component, arg)
		}
	}
}

// Every file that a command line names must be one that is written.
func TestComponentsNameOnlyFilesThatExist(t *testing.T) {
	written := map[string]bool{
		spec.StateDir + "/etcd": true, PKIDir: true, PKIDir + "/ca.crt": true, PKIDir + "/ca.key": true,
		PKIDir + "/service-account.key": true, PKIDir + "/service-account.pub": true,
	}
	for name := range files(t, 0) {
		written[spec.StateDir+"/"+name] = true
	}
	for name := range Clients(testCluster, 0) {
		written[spec.StateDir+"/"+name+".kubeconfig"] = true
	}
	for name := range Certificates(testCluster, 0) {
		written[PKIDir+"/"+name+".crt"], written[PKIDir+"/"+name+".key"] = true, true
	}
	for _, c := range slices.Concat(ControlPlane(testCluster), Node(testCluster, 0)) {
		for _, arg := range c.Args {
			if _, path, found := strings.Cut(arg, "="); found && strings.HasPrefix(path, spec.StateDir) && !written[path] {
				t.Errorf("%s: nothing writes %s", c.Name, path)
			}
		}
	}
}

func TestKubeconfig(t *testing.T) {
	content, err := Kubeconfig(testCluster, []byte("ca"), pki.Pair{Cert: []byte("cert"), Key: []byte("key")})
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(content)
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "https://10.240.7.2:6443" || string(config.CAData) != "ca" || string(config.KeyData) != "key" {
		t.Errorf("the kubeconfig leads to %s", config.Host)
	}
}

func TestStorage(t *testing.T) {
	var defaults []string
	for _, class := range StorageClasses() {
		if class.Annotations["storageclass.kubernetes.io/is-default-class"] == "true" {
			defaults = append(defaults, class.Name)
		}
	}
	if diff := cmp.Diff([]string{DefaultClass}, defaults); diff != "" {
		t.Errorf("default classes, -want +got:\n%s", diff)
	}
	volumes := StaticLocalVolumes(testCluster, 1)
	if len(volumes) != StaticVolumes {
		t.Fatalf("%d volumes", len(volumes))
	}
	v := volumes[0].Spec
	if v.Local == nil || v.HostPath != nil {
		t.Error("a volume is not of type local: fsGroup would not apply")
	}
	if got := v.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Values; !slices.Equal(got, []string{"test-1"}) {
		t.Errorf("the volume belongs to %v", got)
	}
	if slices.Contains(v.AccessModes, corev1.ReadWriteOncePod) {
		t.Error("the API server refuses ReadWriteOncePod beside other modes")
	}
}

func TestTunablesAreACopy(t *testing.T) {
	Tunables()["kernel/panic"] = "changed"
	if got := Tunables()["kernel/panic"]; got != "10" {
		t.Errorf("a caller changed it to %q", got)
	}
}

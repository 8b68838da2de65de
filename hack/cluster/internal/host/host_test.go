package host

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
)

func testCluster(t *testing.T, nodes int) spec.Cluster {
	t.Helper()
	return spec.Cluster{
		Name: "test", StateDir: filepath.Join(t.TempDir(), "test"), CNIBinDir: "/usr/lib/cni", Snapshotter: "overlayfs", Nodes: nodes,
	}
}

func TestRecord(t *testing.T) {
	c := testCluster(t, 1)
	if _, found, err := ReadRecord(c.StateDir); found || err != nil {
		t.Errorf("a record is found where there is none (%v)", err)
	}
	if err := os.MkdirAll(c.StateDir, 0o755); err != nil {
		t.Fatal(err)
	}
	want := Record{Cluster: c, Processes: []Process{{PID: 7, StartTime: "42"}}}
	if err := want.write(); err != nil {
		t.Fatal(err)
	}
	got, found, err := ReadRecord(c.StateDir)
	if diff := cmp.Diff(want, got); err != nil || !found || diff != "" {
		t.Errorf("found %t (%v), -want +got:\n%s", found, err, diff)
	}
	if err := os.WriteFile(filepath.Join(c.StateDir, spec.RecordFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadRecord(c.StateDir); err == nil || !strings.Contains(err.Error(), c.StateDir) {
		t.Errorf("of a damaged record it says %v, not where it is", err)
	}
}

func TestAlive(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	start, err := startTime(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	p := Process{PID: cmd.Process.Pid, StartTime: start}
	if !p.Alive() {
		t.Error("a running process is not alive")
	}
	if (Process{PID: p.PID, StartTime: start + "1"}).Alive() {
		t.Error("a later process of the same number passes for it")
	}
	if !(Record{Processes: []Process{p}}).Alive() || (Record{Processes: []Process{p, {PID: -1}}}).Alive() || (Record{}).Alive() {
		t.Error("a cluster is alive exactly if it has nodes and all of them are")
	}
	if err := terminate(t.Context(), p.PID); err != nil {
		t.Fatal(err)
	}
	if p.Alive() {
		t.Error("a zombie is alive")
	}
	_ = cmd.Wait()
	if err := terminate(t.Context(), p.PID); err != nil {
		t.Errorf("ending what has ended: %v", err)
	}
}

// What a component is told to read, the host must have written, for the first and for later nodes.
func TestFilesAreComplete(t *testing.T) {
	c := testCluster(t, 2)
	if err := writeFiles(c); err != nil {
		t.Fatal(err)
	}
	for i := range c.Nodes {
		for _, path := range namedFiles(c, i) {
			if _, err := os.Stat(nodePath(c, i, path)); err != nil {
				t.Errorf("node %d: %v", i, err)
			}
		}
		for _, v := range render.StaticLocalVolumes(c, i) {
			if _, err := os.Stat(nodePath(c, i, v.Spec.Local.Path)); err != nil {
				t.Error(err)
			}
		}
		config, err := clientcmd.BuildConfigFromFlags("", c.NodeDir(i, spec.AdminKubeconfig))
		if err != nil || config.Host != c.Server() {
			t.Errorf("node %d: the kubeconfig leads to %v (%v)", i, config, err)
		}
	}
}

// namedFiles returns the files of the state folder that the i-th node's command lines name.
func namedFiles(c spec.Cluster, i int) (paths []string) {
	for _, component := range render.Components(c, i) {
		for _, arg := range component.Args {
			_, path, found := strings.Cut(arg, "=")
			if found && strings.HasPrefix(path, spec.StateDir) && !strings.HasSuffix(path, "/etcd") { // etcd makes its folder
				paths = append(paths, path)
			}
		}
	}
	return paths
}

func TestSecretsStayOnTheControlPlane(t *testing.T) {
	c := testCluster(t, 2)
	if err := writeFiles(c); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"ca.key", "service-account.key"} {
		info, err := os.Stat(nodePath(c, 0, render.PKIDir+"/"+secret))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", secret, info, err)
		}
		if exists(nodePath(c, 1, render.PKIDir+"/"+secret)) {
			t.Errorf("the second node has the control plane's %s", secret)
		}
	}
}

func TestRequirements(t *testing.T) {
	empty := []string{t.TempDir()}
	if diff := cmp.Diff(Packages(), missingPackages(empty, empty)); diff != "" {
		t.Errorf("on a bare machine, -all +missing:\n%s", diff)
	}
	full := t.TempDir()
	for _, name := range append(slices.Clone(cniPlugins), "containerd", "ctr", "runc", "iptables", "nft", "conntrack", "mount") {
		if err := os.WriteFile(filepath.Join(full, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if missing := missingPackages([]string{full}, []string{full}); len(missing) > 0 {
		t.Errorf("%v are missing although all programs are there", missing)
	}
	if dir, err := findCNI([]string{empty[0], full}); err != nil || dir != full {
		t.Errorf("the plugins are found in %q (%v)", dir, err)
	}
	if err := Check(empty[0]); err == nil || !strings.Contains(err.Error(), `"kubernetes"`) {
		t.Errorf("without programs it says %v", err)
	}
}

func TestTheScriptInstallsWhatIsNeeded(t *testing.T) {
	script, err := os.ReadFile("../../install-packages.sh")
	if err != nil {
		t.Fatal(err)
	}
	if want := "  " + strings.Join(Packages(), " ") + "\n"; !strings.Contains(string(script), want) {
		t.Errorf("install-packages.sh does not install %s", want)
	}
}

func TestLockExcludes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan func())
	go func() {
		unlock, err := Lock(dir)
		if err != nil {
			t.Error(err)
		}
		second <- unlock
	}()
	select {
	case <-second:
		t.Fatal("locked twice")
	case <-time.After(50 * time.Millisecond): // that nothing happens cannot be watched for
	}
	unlock()
	(<-second)()
	if exists(dir) {
		t.Error("the empty folder is left behind")
	}
}

func TestTakenNetworks(t *testing.T) {
	taken, err := TakenNetworks()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range taken {
		if p.Bits() == 0 {
			t.Error("the default route takes everything")
		}
	}
	if loopback := netip.MustParsePrefix("127.0.0.0/8"); !slices.Contains(taken, loopback) {
		t.Errorf("%v lacks the loopback range", taken)
	}
}

func TestSnapshotter(t *testing.T) {
	if s, err := Snapshotter("/proc"); err != nil || s != "overlayfs" {
		t.Errorf("%q, %v", s, err)
	}
	if _, err := Snapshotter("/does/not/exist"); err == nil {
		t.Error("no error for a folder that does not exist")
	}
}

package spec

import (
	"net/netip"
	"strings"
	"testing"
)

func TestValidateName(t *testing.T) {
	for name, valid := range map[string]bool{
		"datasetmix": true, "a": true, "a-1": true, strings.Repeat("a", 30): true,
		"": false, "A": false, "1a": false, "a-": false, "a_b": false, "a/b": false, "..": false, strings.Repeat("a", 31): false,
	} {
		if err := ValidateName(name); (err == nil) != valid {
			t.Errorf("%q: %v, want valid %t", name, err, valid)
		}
	}
}

func TestAddresses(t *testing.T) {
	c := Cluster{Name: "x", StateDir: "/s/x", Network: 7}
	for what, pair := range map[string][2]string{
		"network":     {c.NodeNetwork().String(), "10.240.7.0/24"},
		"host":        {c.HostIP().String(), "10.240.7.1"},
		"first node":  {c.NodeIP(0).String(), "10.240.7.2"},
		"second node": {c.NodeIP(1).String(), "10.240.7.3"},
		"first pods":  {c.PodRange(0).String(), "10.244.0.0/24"},
		"second pods": {c.PodRange(1).String(), "10.244.1.0/24"},
		"server":      {c.Server(), "https://10.240.7.2:6443"},
		"node name":   {c.NodeName(0), "x"},
		"second name": {c.NodeName(1), "x-1"},
		"state":       {c.NodeDir(1, "logs", "a.log"), "/s/x/node-1/logs/a.log"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %s, want %s", what, pair[0], pair[1])
		}
	}
}

func TestRangesDoNotOverlap(t *testing.T) {
	pods, services := netip.MustParsePrefix(PodRange), netip.MustParsePrefix(ServiceRange)
	for n := range 256 {
		if p := nodeNetwork(n); p.Overlaps(pods) || p.Overlaps(services) {
			t.Errorf("node network %s overlaps with pods or services", p)
		}
	}
	if pods.Overlaps(services) || !services.Contains(netip.MustParseAddr(APIServiceIP)) {
		t.Error("pod and service ranges overlap, or the API server's service is not in its range")
	}
}

// Two checkouts may run clusters of one name at once.
func TestHostNamesAreOfTheStateFolder(t *testing.T) {
	a, b := Cluster{Name: "x", StateDir: "/a/x"}, Cluster{Name: "x", StateDir: "/b/x"}
	if a.HostLink() == b.HostLink() || a.CgroupRoot(0) == b.CgroupRoot(0) {
		t.Errorf("two clusters share %s or %s", a.HostLink(), a.CgroupRoot(0))
	}
	if len(a.HostLink()) > 15 {
		t.Errorf("link name %q is too long for the kernel", a.HostLink())
	}
	if a.CgroupRoot(0) == a.CgroupRoot(1) {
		t.Error("two nodes share a cgroup: their kubelets would kill each other's pods")
	}
}

func TestPickNetwork(t *testing.T) {
	first, err := PickNetwork("x", nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := PickNetwork("x", []netip.Prefix{nodeNetwork(first)})
	if err != nil || second != (first+1)%256 {
		t.Errorf("with %d taken it picks %d (%v), want the next", first, second, err)
	}
	if again, _ := PickNetwork("x", nil); again != first {
		t.Errorf("the same name gives %d, then %d", first, again)
	}
	if _, err := PickNetwork("x", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}); err == nil {
		t.Error("no error although everything is taken")
	}
}

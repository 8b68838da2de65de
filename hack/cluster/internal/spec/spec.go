// Package spec has the names, the addresses and the paths of a local cluster. It is pure. Every other package takes them from here, so that the host
// and the nodes agree.
package spec

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"path/filepath"
	"regexp"
)

// Paths inside the node's own mount namespace. They are short and the same for every checkout: a Unix socket's path may
// have no more than 107 bytes, and configuration files do not have to be rendered for a place on the host.
const (
	MountDir = "/run/datasetmix"
	StateDir = MountDir + "/state" // Cluster.NodeDir of the host
	BinDir   = MountDir + "/bin"   // Cluster.BinDir of the host

	ContainerdSocket = "/run/containerd/containerd.sock"
)

// Names and addresses that are the same in every cluster: nothing outside a node's network namespace ever sees them.
const (
	PauseImage      = "cluster.datasetmix.io/pause:1"
	ServiceRange    = "10.96.0.0/16"
	APIServiceIP    = "10.96.0.1"
	PodRange        = "10.244.0.0/16"
	APIServerPort   = 6443
	NodeLink        = "eth0"   // a node's link to the others
	NodeBridge      = "nodes"  // joins the links of all nodes, in the first one
	Uplink          = "uplink" // the first node's link to the host
	MaxNodes        = 8
	ProvisionerName = "cluster.datasetmix.io/local"
)

// Names of files that the host and the nodes use, in a node's state folder unless a comment says otherwise.
const (
	ControlSocket   = "control.sock"
	AdminKubeconfig = "admin.kubeconfig"
	LogDir          = "logs"
	RecordFile      = "cluster.json" // in Cluster.StateDir
)

// Cluster is one local cluster as the host sees it.
type Cluster struct {
	Name      string `json:"name"`      // also the name of its first node
	StateDir  string `json:"stateDir"`  // everything the cluster writes, on the host
	BinDir    string `json:"binDir"`    // where kubernetes, pause and cluster lie, on the host
	CNIBinDir string `json:"cniBinDir"` // where the distribution puts the CNI plugins
	// Kubeconfig is the administrator's, on the host.
	Kubeconfig string `json:"kubeconfig"`
	Nodes      int    `json:"nodes"` // how many; the first runs the control plane
	// Network is the third octet of the range that joins the host and the nodes, 0 to 255.
	Network int `json:"network"`
	// Snapshotter is containerd's snapshotter: overlayfs, or native if the state folder is itself on an overlay.
	Snapshotter string `json:"snapshotter"`
}

// Node is the description of a node for its first process.
type Node struct {
	Cluster
	Index int `json:"index"`
}

var namePattern = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$`)

// ValidateName reports whether a name can serve as node name, folder, cgroup and certificate name at once.
func ValidateName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("cluster name %q: use 1 to 30 lower-case letters, digits and dashes, beginning with a letter", name)
	}
	return nil
}

// NodeName returns the name of the i-th node.
func (c Cluster) NodeName(i int) string {
	if i == 0 {
		return c.Name
	}
	return fmt.Sprintf("%s-%d", c.Name, i)
}

// CgroupRoot returns the i-th node's cgroup in every hierarchy. Two kubelets under one root kill each other's pods, since each
// removes the pod cgroups that it does not know.
func (c Cluster) CgroupRoot(i int) string {
	return fmt.Sprintf("/datasetmix-%08x-%s", hash(c.StateDir), c.NodeName(i))
}

// HostLink returns the name of the host's end of the virtual cable. Like CgroupRoot it is made of the state folder, which no two
// clusters share, while two checkouts may well run clusters of one name. An interface name has at most 15 bytes.
func (c Cluster) HostLink() string { return fmt.Sprintf("dmx%08x", hash(c.StateDir)) }

func hash(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

// NodeNetwork returns the range that joins the host and the nodes.
func (c Cluster) NodeNetwork() netip.Prefix { return nodeNetwork(c.Network) }

func nodeNetwork(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 240, byte(n), 0}), 24)
}

// HostIP returns the host's address in NodeNetwork, by which pods reach the host.
func (c Cluster) HostIP() netip.Addr { return c.NodeNetwork().Addr().Next() }

// NodeIP returns the i-th node's address in NodeNetwork.
func (c Cluster) NodeIP(i int) netip.Addr {
	a := c.NodeNetwork().Addr().As4()
	a[3] = byte(2 + i)
	return netip.AddrFrom4(a)
}

// PodRange returns the i-th node's share of PodRange.
func (c Cluster) PodRange(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, byte(i), 0}), 24)
}

// Server returns the API server's address, from the host as from the node.
func (c Cluster) Server() string { return fmt.Sprintf("https://%s:%d", c.NodeIP(0), APIServerPort) }

// NodeDir returns a path below the i-th node's state folder on the host.
func (c Cluster) NodeDir(i int, elem ...string) string {
	return filepath.Join(append([]string{c.StateDir, fmt.Sprintf("node-%d", i)}, elem...)...)
}

// PickNetwork returns the network that the name is hashed to or the next one that is not taken: a name keeps its
// addresses from one start to the next wherever it can.
func PickNetwork(name string, taken []netip.Prefix) (int, error) {
	first := int(hash(name) % 256)
	for i := range 256 {
		n := (first + i) % 256
		if !overlapsAny(nodeNetwork(n), taken) {
			return n, nil
		}
	}
	return 0, errors.New("no free network: all of 10.240.0.0/16 overlaps with addresses or routes of this host; " +
		"stop other clusters with `cluster down`")
}

func overlapsAny(p netip.Prefix, taken []netip.Prefix) bool {
	for _, t := range taken {
		if p.Overlaps(t) {
			return true
		}
	}
	return false
}

package host

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// TakenNetworks returns the ranges of the host's addresses and routes.
func TakenNetworks() ([]netip.Prefix, error) {
	addresses, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("listing the host's addresses: %w", err)
	}
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("listing the host's routes: %w", err)
	}
	var taken []netip.Prefix
	add := func(n *net.IPNet) {
		if n == nil {
			return
		}
		ip, ok := netip.AddrFromSlice(n.IP.To4())
		ones, _ := n.Mask.Size()
		if ok && ones > 0 { // the default route leads everywhere
			taken = append(taken, netip.PrefixFrom(ip, ones).Masked())
		}
	}
	for _, a := range addresses {
		add(a.IPNet)
	}
	for _, r := range routes {
		add(r.Dst)
	}
	return taken, nil
}

// Wire connects the host to the first node, and the first node to each other node, by pairs of virtual network interfaces (veth). On the host it
// adds one interface with one address and its route: nothing is forwarded, and no firewall rule is changed.
func Wire(r Record) error {
	nodes := make([]*netlink.Handle, 0, r.Nodes)
	defer func() {
		for _, n := range nodes {
			n.Close()
		}
	}()
	for i, p := range r.Processes {
		n, err := nodeHandle(p)
		if err != nil {
			return fmt.Errorf("node %s: %w", r.NodeName(i), err)
		}
		nodes = append(nodes, n)
	}
	host := &netlink.Handle{}
	if err := lay(host, r.HostLink(), spec.Uplink, r.Processes[0]); err != nil {
		return fmt.Errorf("%w (the kernel must have the veth driver, and the machine must allow CAP_NET_ADMIN)", err)
	}
	if err := configure(host, r.HostLink(), prefix(r.Cluster, r.HostIP())); err != nil {
		return err
	}
	if err := wireFirst(r, nodes[0]); err != nil {
		return fmt.Errorf("node %s: %w", r.NodeName(0), err)
	}
	for i, n := range nodes {
		if i > 0 {
			if err := wireNext(r, i, nodes[0], n); err != nil {
				return fmt.Errorf("node %s: %w", r.NodeName(i), err)
			}
		}
		if err := route(r.Cluster, i, n); err != nil {
			return fmt.Errorf("node %s: %w", r.NodeName(i), err)
		}
	}
	return nil
}

// nodeLink returns the name of the first node's interface to the i-th node.
func nodeLink(i int) string { return fmt.Sprintf("node%d", i) }

func nodeHandle(p Process) (*netlink.Handle, error) {
	namespace, err := netns.GetFromPid(p.PID)
	if err != nil {
		return nil, fmt.Errorf("opening its network namespace: %w", err)
	}
	defer namespace.Close()
	handle, err := netlink.NewHandleAt(namespace)
	if err != nil {
		return nil, fmt.Errorf("opening its network namespace: %w", err)
	}
	return handle, nil
}

// lay creates a pair of interfaces, one here and one in a process' network namespace.
func lay(h *netlink.Handle, name, peer string, p Process) error {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = name
	err := h.LinkAdd(&netlink.Veth{LinkAttrs: attributes, PeerName: peer, PeerNamespace: netlink.NsPid(p.PID)})
	if err != nil {
		return fmt.Errorf("making the link %s: %w", name, err)
	}
	return nil
}

// wireFirst adds a bridge with the first node's address to that node; it joins all interfaces of the cluster.
func wireFirst(r Record, n *netlink.Handle) error {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = spec.NodeBridge
	if err := n.LinkAdd(&netlink.Bridge{LinkAttrs: attributes}); err != nil {
		return fmt.Errorf("making the bridge: %w (the kernel must have the bridge driver)", err)
	}
	if err := join(n, spec.Uplink); err != nil {
		return err
	}
	return configure(n, spec.NodeBridge, prefix(r.Cluster, r.NodeIP(0)))
}

// wireNext connects the i-th node to the first node's bridge.
func wireNext(r Record, i int, first, n *netlink.Handle) error {
	if err := lay(first, nodeLink(i), spec.NodeLink, r.Processes[i]); err != nil {
		return err
	}
	if err := join(first, nodeLink(i)); err != nil {
		return err
	}
	return configure(n, spec.NodeLink, prefix(r.Cluster, r.NodeIP(i)))
}

// join adds an interface to the bridge and activates it.
func join(n *netlink.Handle, name string) error {
	link, err := n.LinkByName(name)
	if err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	bridge, err := n.LinkByName(spec.NodeBridge)
	if err != nil {
		return fmt.Errorf("link %s: %w", spec.NodeBridge, err)
	}
	if err := n.LinkSetMaster(link, bridge); err != nil {
		return fmt.Errorf("joining %s to the bridge: %w", name, err)
	}
	return configure(n, name, nil)
}

// route adds routes: a default route to the host, and routes to the other nodes' pods.
func route(c spec.Cluster, i int, n *netlink.Handle) error {
	if err := configure(n, "lo", nil); err != nil {
		return err
	}
	// The host does not forward, but kubelet and API server look for a default route to learn their own address.
	if err := n.RouteAdd(&netlink.Route{Gw: c.HostIP().AsSlice()}); err != nil {
		return fmt.Errorf("adding the default route: %w", err)
	}
	for other := range c.Nodes {
		if other == i {
			continue
		}
		pods := c.PodRange(other)
		err := n.RouteAdd(&netlink.Route{
			Dst: &net.IPNet{IP: pods.Addr().AsSlice(), Mask: net.CIDRMask(pods.Bits(), 32)},
			Gw:  c.NodeIP(other).AsSlice(),
		})
		if err != nil {
			return fmt.Errorf("adding the route to the pods %s: %w", pods, err)
		}
	}
	return nil
}

// SetConnected disconnects a node from the network, or connects it again. It cannot disconnect the first node, which has the bridge.
func SetConnected(r Record, node string, connected bool) error {
	var names []string
	for i := 1; i < r.Nodes; i++ {
		names = append(names, r.NodeName(i))
		if r.NodeName(i) != node {
			continue
		}
		first, err := nodeHandle(r.Processes[0])
		if err != nil {
			return err
		}
		defer first.Close()
		link, err := first.LinkByName(nodeLink(i))
		if err != nil {
			return fmt.Errorf("link %s: %w", nodeLink(i), err)
		}
		if connected {
			return first.LinkSetUp(link)
		}
		return first.LinkSetDown(link)
	}
	return fmt.Errorf("node %q cannot be cut off: there are %q, and the first node runs the control plane", node, names)
}

func prefix(c spec.Cluster, ip netip.Addr) *net.IPNet {
	return &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(c.NodeNetwork().Bits(), 32)}
}

func configure(h *netlink.Handle, name string, address *net.IPNet) error {
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	if address != nil {
		if err := h.AddrAdd(link, &netlink.Addr{IPNet: address}); err != nil {
			return fmt.Errorf("giving %s the address %s: %w", name, address, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("setting %s up: %w", name, err)
	}
	return nil
}

// Unwire removes the host's interface. The kernel would remove it with the node's namespace, but some time later.
func Unwire(c spec.Cluster) error {
	link, err := netlink.LinkByName(c.HostLink())
	if err == nil {
		err = netlink.LinkDel(link)
	}
	var notFound netlink.LinkNotFoundError
	if errors.As(err, &notFound) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing the link %s: %w", c.HostLink(), err)
	}
	return nil
}

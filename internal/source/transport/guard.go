package transport

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// A worker never connects to the addresses below. The metadata services of clouds, which return the credentials of a node to any process,
// have link-local addresses or one of these; no data set has. Loopback and private addresses stay open: a server inside the cluster is an
// ordinary place for data, and a NetworkPolicy is the means to close them.
//
// Addresses are checked when a connection is made, so after every redirect and every answer of the DNS, and once more before
// a request, since a proxy makes the connection itself.

// metadataAddresses are services of clouds that are not on link-local addresses.
var metadataAddresses = map[netip.Addr]string{
	netip.MustParseAddr("fd00:ec2::254"):   "the metadata service of Amazon EC2",
	netip.MustParseAddr("fd00:ec2::23"):    "the pod identity agent of Amazon EKS",
	netip.MustParseAddr("fd20:ce::254"):    "the metadata service of Google Cloud",
	netip.MustParseAddr("fd00:42::42"):     "the metadata service of Scaleway",
	netip.MustParseAddr("100.100.100.200"): "the metadata service of Alibaba Cloud",
	netip.MustParseAddr("168.63.129.16"):   "the platform service of Azure",
	netip.MustParseAddr("192.0.0.192"):     "the metadata service of Oracle Cloud",
}

// metadataNames are the names of such services. They matter where a proxy looks names up; elsewhere the address is seen.
var metadataNames = map[string]bool{
	"metadata": true, "metadata.google.internal": true, "metadata.goog": true, "metadata.azure.internal": true,
	"metadata.oraclecloud.com": true, "metadata.tencentyun.com": true, "instance-data": true, "instance-data.ec2.internal": true,
}

// refusedAddress returns what an address is if no connection to it is allowed; empty if one is.
func refusedAddress(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if what := metadataAddresses[ip]; what != "" {
		return what
	}
	switch {
	case ip.IsLinkLocalUnicast():
		return "a link-local address, where the metadata services of clouds are"
	case ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "an address of many hosts"
	}
	for _, inside := range embedded(ip) {
		if what := refusedAddress(inside); what != "" {
			return what + " inside an IPv6 address"
		}
	}
	return ""
}

// carriers are IPv6 addresses that lead to an IPv4 address by way of a translator or a tunnel, and where its bytes are in them.
var carriers = []struct {
	prefix   netip.Prefix
	at       [4]int
	inverted bool
}{
	{netip.MustParsePrefix("::/96"), [4]int{12, 13, 14, 15}, false},           // compatible, out of use
	{netip.MustParsePrefix("::ffff:0:0:0/96"), [4]int{12, 13, 14, 15}, false}, // translated, RFC 2765 (SIIT)
	{netip.MustParsePrefix("64:ff9b::/96"), [4]int{12, 13, 14, 15}, false},    // NAT64, RFC 6052
	{netip.MustParsePrefix("2002::/16"), [4]int{2, 3, 4, 5}, false},           // 6to4, RFC 3056
	{netip.MustParsePrefix("2001::/32"), [4]int{4, 5, 6, 7}, false},           // Teredo, RFC 4380: its server
	{netip.MustParsePrefix("2001::/32"), [4]int{12, 13, 14, 15}, true},        // and its client
	{netip.MustParsePrefix("64:ff9b:1::/48"), [4]int{6, 7, 9, 10}, false},     // NAT64 of a network's own, RFC 8215, where it has
	{netip.MustParsePrefix("64:ff9b:1::/48"), [4]int{7, 9, 10, 11}, false},    // 48, 56, 64 and 96 bits: byte 8 is always left out
	{netip.MustParsePrefix("64:ff9b:1::/48"), [4]int{9, 10, 11, 12}, false},
	{netip.MustParsePrefix("64:ff9b:1::/48"), [4]int{12, 13, 14, 15}, false},
}

// embedded returns the IPv4 addresses that an address leads to.
func embedded(ip netip.Addr) []netip.Addr {
	if !ip.Is6() || ip.IsLoopback() || ip.IsUnspecified() {
		return nil
	}
	b := ip.As16()
	var out []netip.Addr
	for _, c := range carriers {
		if !c.prefix.Contains(ip) {
			continue
		}
		var inside [4]byte
		for i, at := range c.at {
			if inside[i] = b[at]; c.inverted {
				inside[i] ^= 0xff
			}
		}
		out = append(out, netip.AddrFrom4(inside))
	}
	if binary.BigEndian.Uint32(b[8:12])&^0x0200_0000 == 0x5efe { // ISATAP, RFC 5214: below any prefix
		out = append(out, netip.AddrFrom4([4]byte(b[12:16])))
	}
	return out
}

// refused returns the failure of a connection that is not made.
func refused(host, what string) error {
	return contract.Failf(contract.SourceNotFound,
		"%s is refused: it is %s, and no data set is read from there. Check the address, its name in the DNS, and where it redirects to.", host, what)
}

// checkDial refuses an address after its name was looked up: it is a net.Dialer's ControlContext.
func checkDial(_ context.Context, _, address string, _ syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err == nil { // else it is no internet address
		if what := refusedAddress(at.Addr()); what != "" {
			return refused(at.Addr().String(), what)
		}
	}
	return nil
}

// checkHost refuses a host by what its name says alone.
func checkHost(u *url.URL) error {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if metadataNames[host] {
		return refused(host, "a metadata service of a cloud")
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		var numeric bool
		if ip, numeric = numericIPv4(host); !numeric {
			return nil
		}
	}
	if what := refusedAddress(ip); what != "" {
		return refused(host, what)
	}
	return nil
}

// numericIPv4 reads the other spellings of an IPv4 address that C libraries take, as a proxy may: 0xa9fea9fe, 2852039166,
// 0251.0376.169.254, 169.254.43518.
func numericIPv4(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 0, 32) // 0x and 0 as in C
		if err != nil {
			return netip.Addr{}, false
		}
		last := i == len(parts)-1
		switch {
		case !last && n > 255:
			return netip.Addr{}, false
		case !last:
			value |= n << (24 - 8*i)
		case n>>(8*(4-i)) != 0:
			return netip.Addr{}, false
		default:
			value |= n
		}
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(value))
	return netip.AddrFrom4(b), true
}

// guarded is a transport that checks the host of every request before it goes out, and sends credentials only to the hosts that they are
// for. Every kind of source sends its requests through it, as do the libraries of stores and registries, also where a redirect leads and
// where tokens are issued.
type guarded struct {
	inner http.RoundTripper
	hosts Hosts
}

func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := checkHost(r.URL); err != nil {
		return nil, err
	}
	if carriesCredentials(r) {
		if err := g.hosts.Check(r.URL); err != nil {
			return nil, err
		}
	}
	return g.inner.RoundTrip(r)
}

// CloseIdleConnections closes the idle connections of the inner transport for http.Client.
func (g guarded) CloseIdleConnections() {
	if c, ok := g.inner.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// maxRedirects is how many redirects are followed for one request.
const maxRedirects = 10

// mayFollow reports whether a redirect is followed, after so many requests.
func mayFollow(at, next *url.URL, requests int) error {
	if at.Scheme == https && next.Scheme == "http" {
		return contract.Failf(contract.SourceNotFound,
			"%s redirects to the unprotected address %s, and that is not followed: anyone on the way could change the bytes. "+
				"Name an address that stays on https.", Shown(at), Shown(next))
	}
	if requests > maxRedirects {
		return contract.Failf(contract.SourceNotFound,
			"%s is the end of %d redirects, and no more are followed: they may lead in a circle, as servers do that want a log-in. "+
				"Name the address of the file itself.", Shown(at), maxRedirects)
	}
	return nil
}

// dialer connects to hosts that may be connected to.
func dialer(o Options) *net.Dialer {
	return &net.Dialer{
		Timeout: o.Timeouts.Connect, KeepAliveConfig: net.KeepAliveConfig{Enable: true},
		Resolver: o.Resolver, ControlContext: checkDial,
	}
}

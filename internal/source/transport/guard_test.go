package transport

import (
	"net/netip"
	"net/url"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
)

func TestRefusedAddresses(t *testing.T) {
	for _, address := range []string{
		"169.254.169.254", "169.254.0.0", "169.254.170.2", "169.254.255.255", // EC2 and most others, ECS, EKS
		"fe80::1", "fe80::a9fe:a9fe", "febf::1", "fe80::1%eth0",
		"fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42",
		"100.100.100.200", "168.63.129.16", "192.0.0.192",
		"::ffff:169.254.169.254", "::ffff:100.100.100.200", // mapped
		"::169.254.169.254",             // compatible, which is out of use
		"64:ff9b::169.254.169.254",      // NAT64
		"64:ff9b:1::169.254.169.254",    // NAT64 of a network's own, of 96 bits
		"64:ff9b:1:a9fe:a9:fe00::",      // of 48
		"64:ff9b:1:a9:fe:a9fe::",        // of 56
		"64:ff9b:1:0:a9:fea9:fe00:0",    // of 64
		"64:ff9b:1:1234:a9:fea9:fe00:0", // whatever its prefix
		"64:ff9b::168.63.129.16",        // other services in the same way
		"::ffff:0:169.254.169.254",      // translated (SIIT)
		"::ffff:0:168.63.129.16",
		"2002:a9fe:a9fe::1",              // 6to4
		"2001:0:a9fe:a9fe::",             // Teredo, its server
		"2001:0:808:808::5601:5601",      // Teredo, its client
		"2001:db8::5efe:169.254.169.254", // ISATAP
		"2001:db8::200:5efe:169.254.1.1",
		"224.0.0.1", "ff02::1", "255.255.255.255",
	} {
		if refusedAddress(netip.MustParseAddr(address)) == "" {
			t.Errorf("%s is let through", address)
		}
	}
	for _, address := range []string{
		"127.0.0.1", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "fd12:3456::1", "::ffff:10.0.0.1",
		"100.64.0.1", "169.253.255.255", "169.255.0.0", "8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8", "2002:808:808::1",
		"64:ff9b:1::8.8.8.8", "64:ff9b:1:808:8:800::", "::ffff:0:8.8.8.8", "2001:0:808:808::f7f7:f7f7",
		"fd00:ec2::253", "fec0::1",
	} {
		if what := refusedAddress(netip.MustParseAddr(address)); what != "" {
			t.Errorf("%s is refused as %s", address, what)
		}
	}
}

func TestRefusedHosts(t *testing.T) {
	for host, refuse := range map[string]bool{
		"169.254.169.254": true, "[fe80::1]": true, "[::ffff:169.254.169.254]:80": true, "169.254.169.254.": true,
		"0xa9fea9fe": true, "2852039166": true, "0251.0376.0251.0376": true, "169.254.43518": true, "169.16689662": true, "0xA9.0xFE.0xA9.0xFE": true,
		"metadata.google.internal": true, "Metadata.Google.Internal.": true, "metadata": true, "instance-data:80": true,
		"metadata.azure.internal": true, "metadata.tencentyun.com": true, "metadata.oraclecloud.com": true,
		"127.0.0.1": false, "0x7f000001": false, "localhost": false, "example.com": false, "files": false, "1.2.3.4.5": false,
		"metadata.example.com": false, "4294967296": false, "256.1.1.1": false, "169.254.169": true,
	} {
		u := &url.URL{Scheme: "http", Host: host}
		if err := checkHost(u); (err != nil) != refuse {
			t.Errorf("%s: %v", host, err)
		} else if err != nil && contract.ReasonOf(err) != contract.SourceNotFound {
			t.Errorf("%s: reason %s", host, contract.ReasonOf(err))
		}
	}
}

// TestFollowing is the client of libraries that send their own requests: it follows as this package's own does.

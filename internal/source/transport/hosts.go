package transport

import (
	"errors"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

// Hosts are those that credentials may be sent to; the zero value is every host. Whoever may create a mix names both a Secret and a
// server; with the key contract.HostsKey, the Secret's owner has a say in where it goes.
type Hosts []hostRule

type hostRule struct {
	name string // lower case; below is true for any name below it
	sub  bool
	port string // empty is any
}

var hostEntry = regexp.MustCompile(`^(\*\.)?([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?$`)

// ReadHosts reads the key hosts among the files of a data set's Secret, which lie in one of the folders. A Secret without the key
// leaves every host open; a key without a host, or with something else, is refused, because its owner meant to close some. Its errors are
// contract.AuthenticationFailed.
func ReadHosts(folders ...string) (Hosts, error) {
	for _, folder := range folders {
		content, err := os.ReadFile(filepath.Join(folder, contract.HostsKey))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, contract.Failf(contract.AuthenticationFailed, "The key %s of the credentials cannot be read: %w.", contract.HostsKey, err)
		}
		return ParseHosts(string(content))
	}
	return nil, nil
}

// ParseHosts reads names of hosts, separated by commas or white space: hub.example.org, *.example.org for any name below it, each with
// a port after a colon where no other port is meant.
func ParseHosts(text string) (Hosts, error) {
	var hosts Hosts
	for _, entry := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		m := hostEntry.FindStringSubmatch(entry)
		if m == nil {
			return nil, contract.Failf(contract.AuthenticationFailed,
				"The key %s of the Secret has %q, which is no host. Write names like hub.example.org, *.example.org or hub.example.org:8443, with commas between them.",
				contract.HostsKey, contract.Clean(entry, 100))
		}
		hosts = append(hosts, hostRule{name: hostName(m[2]), sub: m[1] != "", port: m[3]})
	}
	if len(hosts) == 0 {
		return nil, contract.Failf(contract.AuthenticationFailed,
			"The key %s of the Secret names no host. Name those that the credentials may be sent to, or leave the key out.", contract.HostsKey)
	}
	return hosts, nil
}

// hostName returns a host in one spelling, however it is written.
func hostName(host string) string {
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	return host
}

// may reports whether credentials may be sent to the host of an address.
func (h Hosts) may(u *url.URL) bool {
	host, port := hostName(u.Hostname()), portOf(u)
	for _, rule := range h {
		matches := host == rule.name
		if rule.sub {
			matches = strings.HasSuffix(host, "."+rule.name)
		}
		if matches && (rule.port == "" || rule.port == port) {
			return true
		}
	}
	return len(h) == 0
}

func (h Hosts) String() string {
	names := make([]string, len(h))
	for i, rule := range h {
		names[i] = rule.name
		if rule.sub {
			names[i] = "*." + rule.name
		}
		if rule.port != "" {
			names[i] += ":" + rule.port
		}
	}
	return source.Enumerate(names)
}

// Check returns a failure if credentials may not be sent to the host of an address.
func (h Hosts) Check(u *url.URL) error {
	if h.may(u) {
		return nil
	}
	return contract.Failf(contract.AuthenticationFailed,
		"The credentials may be sent to %s alone, as the key %s of their Secret says, and %s is none of these. Check the address, or let the Secret's owner add the host.",
		h, contract.HostsKey, contract.Clean(u.Host, 200))
}

// carriesCredentials reports whether a request has credentials. A body has: it is sent only to get a token for them.
func carriesCredentials(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || r.Header.Get("X-Amz-Security-Token") != "" || r.Body != nil && r.Body != http.NoBody
}

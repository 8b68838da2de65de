// Package render turns a cluster's description into configuration files, command lines and API objects. It is pure: no files,
// no network, no clock.
package render

import (
	"bytes"
	"embed"
	"fmt"
	"text/template"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
)

//go:embed templates
var templates embed.FS

var parsed = template.Must(template.New("").Option("missingkey=error").ParseFS(templates, "templates/*"))

// PKIDir holds the certificates, in the node's mount namespace.
const PKIDir = spec.StateDir + "/pki"

// tunables are the kernel settings that a kubelet requires, with their values. See sandbox.shadowTunables.
var tunables = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// Tunables returns the kubelet's kernel settings by their path below /proc/sys.
func Tunables() map[string]string {
	copied := make(map[string]string, len(tunables))
	for name, value := range tunables {
		copied[name] = value
	}
	return copied
}

// Files returns the i-th node's configuration files by their path below the state folder.
func Files(c spec.Cluster, i int) (map[string][]byte, error) {
	files := map[string][]byte{
		// No cluster DNS: an empty file makes look-ups fail at once instead of after a timeout.
		"resolv.conf": nil,
	}
	for name, path := range map[string]string{
		"kubelet.yaml":    "kubelet.yaml",
		"kube-proxy.yaml": "kube-proxy.yaml",
		"containerd.toml": "containerd.toml",
		"cni.conflist":    "cni/10-pods.conflist",
	} {
		var out bytes.Buffer
		if err := parsed.ExecuteTemplate(&out, name, templateData(c, i)); err != nil {
			return nil, fmt.Errorf("rendering %s: %w", name, err)
		}
		files[path] = out.Bytes()
	}
	return files, nil
}

func templateData(c spec.Cluster, i int) map[string]string {
	return map[string]string{
		"PKI":              PKIDir,
		"State":            spec.StateDir,
		"ContainerdSocket": spec.ContainerdSocket,
		"CgroupRoot":       c.CgroupRoot(i),
		"PodNetwork":       spec.PodRange,
		"PodRange":         c.PodRange(i).String(),
		"Node":             c.NodeName(i),
		"PauseImage":       spec.PauseImage,
		"CNIBinDir":        c.CNIBinDir,
		"Snapshotter":      c.Snapshotter,
	}
}

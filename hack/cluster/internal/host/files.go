package host

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/pki"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
)

// writeFiles fills the state folders of all nodes with configuration, certificates and kubeconfigs.
func writeFiles(c spec.Cluster) error {
	authority, err := pki.NewAuthority(c.Name)
	if err != nil {
		return err
	}
	for i := range c.Nodes {
		if err := writeNode(c, i, authority); err != nil {
			return fmt.Errorf("writing the files of node %s: %w", c.NodeName(i), err)
		}
	}
	// For the control plane only: with these two, any user can be impersonated.
	dir := nodePath(c, 0, render.PKIDir)
	if err := authority.Write(dir, "ca"); err != nil {
		return err
	}
	private, public, err := pki.NewKeyPair()
	if err != nil {
		return err
	}
	return pki.Pair{Cert: public, Key: private}.WriteTo(filepath.Join(dir, "service-account.pub"), filepath.Join(dir, "service-account.key"))
}

// nodePath returns the path on the host of a path below spec.StateDir on the i-th node.
func nodePath(c spec.Cluster, i int, path string) string {
	relative, err := filepath.Rel(spec.StateDir, path)
	if err != nil { // only for a relative path, and all of them are constants
		panic(err)
	}
	return c.NodeDir(i, relative)
}

func writeNode(c spec.Cluster, i int, authority *pki.Authority) error {
	for _, dir := range []string{spec.LogDir, "pki"} {
		if err := os.MkdirAll(c.NodeDir(i, dir), 0o755); err != nil {
			return err
		}
	}
	files, err := render.Files(c, i)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := c.NodeDir(i, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	for _, volume := range render.StaticLocalVolumes(c, i) {
		if err := os.MkdirAll(nodePath(c, i, volume.Spec.Local.Path), 0o755); err != nil {
			return err
		}
	}
	return writeCredentials(c, i, authority)
}

func writeCredentials(c spec.Cluster, i int, authority *pki.Authority) error {
	if err := os.WriteFile(nodePath(c, i, render.PKIDir+"/ca.crt"), authority.Cert, 0o644); err != nil {
		return err
	}
	for name, subject := range render.Certificates(c, i) {
		pair, err := authority.Issue(subject)
		if err != nil {
			return err
		}
		if err := pair.Write(nodePath(c, i, render.PKIDir), name); err != nil {
			return err
		}
	}
	for name, subject := range render.Clients(c, i) {
		pair, err := authority.Issue(subject)
		if err != nil {
			return err
		}
		config, err := render.Kubeconfig(c, authority.Cert, pair)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.NodeDir(i, name+".kubeconfig"), config, 0o600); err != nil {
			return err
		}
	}
	return nil
}

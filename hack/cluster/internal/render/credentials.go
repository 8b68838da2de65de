package render

import (
	"github.com/datasetmix/datasetmix/hack/cluster/internal/pki"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Clients returns the users with a kubeconfig NAME.kubeconfig, by NAME. The API server's bootstrap rules give each the rights of its component.
func Clients(c spec.Cluster, node int) map[string]pki.Subject {
	clients := map[string]pki.Subject{
		// The supervisor's, on every node, and on the first also people's.
		"admin": {User: "cluster-admin", Groups: []string{"system:masters"}},
		Proxy:   {User: "system:kube-proxy"},
		Kubelet: {User: "system:node:" + c.NodeName(node), Groups: []string{"system:nodes"}},
	}
	if node == 0 {
		clients[ControllerManager] = pki.Subject{User: "system:kube-controller-manager"}
		clients[Scheduler] = pki.Subject{User: "system:kube-scheduler"}
	}
	return clients
}

// Certificates returns the subjects of the files NAME.crt and NAME.key in PKIDir, by NAME.
func Certificates(c spec.Cluster, node int) map[string]pki.Subject {
	certificates := map[string]pki.Subject{
		"kubelet": {User: c.NodeName(node), Hosts: []string{c.NodeName(node), c.NodeIP(node).String()}},
	}
	if node == 0 {
		certificates["apiserver-kubelet"] = pki.Subject{User: "kube-apiserver", Groups: []string{"system:masters"}}
		certificates["apiserver"] = pki.Subject{User: "kube-apiserver", Hosts: []string{
			c.NodeIP(0).String(), spec.APIServiceIP, "127.0.0.1", "localhost",
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		}}
	}
	return certificates
}

// Kubeconfig renders a kubeconfig that holds everything it needs in itself.
func Kubeconfig(c spec.Cluster, ca []byte, client pki.Pair) ([]byte, error) {
	config := api.NewConfig()
	config.Clusters[c.Name] = &api.Cluster{Server: c.Server(), CertificateAuthorityData: ca}
	config.AuthInfos[c.Name] = &api.AuthInfo{ClientCertificateData: client.Cert, ClientKeyData: client.Key}
	config.Contexts[c.Name] = &api.Context{Cluster: c.Name, AuthInfo: c.Name, Namespace: "default"}
	config.CurrentContext = c.Name
	return clientcmd.Write(*config)
}

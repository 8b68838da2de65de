package render

import (
	"fmt"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
)

// Component is one process of the cluster.
type Component struct {
	Name string
	Args []string // the program, then its arguments
}

// Names of the components.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Kubelet           = "kubelet"
	Proxy             = "kube-proxy"
	Containerd        = "containerd"
)

// Components returns the i-th node's components; the first node also runs the control plane.
func Components(c spec.Cluster, i int) []Component {
	if i == 0 {
		return append(ControlPlane(c), Node(c, i)...)
	}
	return Node(c, i)
}

// ControlPlane returns the components that run once in a cluster.
func ControlPlane(c spec.Cluster) []Component {
	return []Component{etcd(), apiServer(c), controllerManager(), scheduler()}
}

// Node returns the components that run on every node; containerd comes first, since the others need it.
func Node(c spec.Cluster, i int) []Component {
	return []Component{
		{Containerd, []string{"containerd", "--config=" + spec.StateDir + "/containerd.toml"}},
		kubernetes(Kubelet,
			"--config="+spec.StateDir+"/kubelet.yaml",
			"--kubeconfig="+kubeconfig(Kubelet),
			"--hostname-override="+c.NodeName(i),
			"--node-ip="+c.NodeIP(i).String(),
		),
		kubernetes(Proxy, "--config="+spec.StateDir+"/kube-proxy.yaml"),
	}
}

func kubernetes(name string, args ...string) Component {
	return Component{name, append([]string{spec.BinDir + "/kubernetes", name}, args...)}
}

func kubeconfig(component string) string { return spec.StateDir + "/" + component + ".kubeconfig" }

func etcd() Component {
	const client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
	return kubernetes(Etcd,
		"--name=default",
		"--data-dir="+spec.StateDir+"/etcd",
		"--listen-client-urls="+client,
		"--advertise-client-urls="+client,
		"--listen-peer-urls="+peer,
		"--initial-advertise-peer-urls="+peer,
		"--initial-cluster=default="+peer,
		"--log-level=warn",
		// The cluster does not outlive a crash of the machine; waiting for its disk would only make it slow.
		"--unsafe-no-fsync",
	)
}

func apiServer(c spec.Cluster) Component {
	return kubernetes(APIServer,
		"--etcd-servers=http://127.0.0.1:2379",
		"--advertise-address="+c.NodeIP(0).String(),
		fmt.Sprintf("--secure-port=%d", spec.APIServerPort),
		"--cert-dir="+PKIDir,
		"--tls-cert-file="+PKIDir+"/apiserver.crt",
		"--tls-private-key-file="+PKIDir+"/apiserver.key",
		"--client-ca-file="+PKIDir+"/ca.crt",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file="+PKIDir+"/service-account.pub",
		"--service-account-signing-key-file="+PKIDir+"/service-account.key",
		"--service-cluster-ip-range="+spec.ServiceRange,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		// For logs, exec and port-forward: there is no DNS that knows the node's name.
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-certificate-authority="+PKIDir+"/ca.crt",
		"--kubelet-client-certificate="+PKIDir+"/apiserver-kubelet.crt",
		"--kubelet-client-key="+PKIDir+"/apiserver-kubelet.key",
	)
}

func controllerManager() Component {
	return kubernetes(ControllerManager,
		"--kubeconfig="+kubeconfig(ControllerManager),
		"--authentication-kubeconfig="+kubeconfig(ControllerManager),
		"--authorization-kubeconfig="+kubeconfig(ControllerManager),
		"--bind-address=127.0.0.1",
		"--cert-dir="+PKIDir,
		"--root-ca-file="+PKIDir+"/ca.crt",
		"--cluster-signing-cert-file="+PKIDir+"/ca.crt",
		"--cluster-signing-key-file="+PKIDir+"/ca.key",
		"--service-account-private-key-file="+PKIDir+"/service-account.key",
		"--use-service-account-credentials=true",
		// There is one of it: an election would only delay its work after a restart.
		"--leader-elect=false",
		"--flex-volume-plugin-dir=/var/lib/kubelet/volume-plugins",
	)
}

func scheduler() Component {
	return kubernetes(Scheduler,
		"--kubeconfig="+kubeconfig(Scheduler),
		"--authentication-kubeconfig="+kubeconfig(Scheduler),
		"--authorization-kubeconfig="+kubeconfig(Scheduler),
		"--bind-address=127.0.0.1",
		"--cert-dir="+PKIDir,
		"--leader-elect=false",
	)
}

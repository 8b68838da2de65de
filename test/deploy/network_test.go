package deploy

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/render"
)

// workerPolicies returns those for namespaces with mixes.
func workerPolicies(t *testing.T) []networkingv1.NetworkPolicy {
	t.Helper()
	return of[networkingv1.NetworkPolicy](t, objects(t, "network-policy/workers"), "NetworkPolicy")
}

// podOf returns the pod of a stage, of a mix with a bounded cache or without.
func podOf(t *testing.T, stage pipeline.Stage, bounded bool) corev1.PodTemplateSpec {
	t.Helper()
	encoded, err := os.ReadFile("../../config/samples/data_v1alpha1_datasetmix_huggingface.yaml")
	if err != nil {
		t.Fatal(err)
	}
	mix := &datav1alpha1.DatasetMix{}
	if err := yaml.UnmarshalStrict(encoded, mix); err != nil {
		t.Fatal(err)
	}
	meaning, err := render.Recipe(mix)
	if err != nil {
		t.Fatal(err)
	}
	if bounded {
		meaning.Output.CacheSize = 1
	}
	var units []pipeline.Node
	for _, source := range render.Sources(mix) {
		units = append(units, pipeline.Node{Name: source.Name, Key: "k"})
	}
	work := render.Work{Mix: mix, Recipe: meaning, Attempt: 1, Step: pipeline.Step{Stage: stage, Missing: units}}
	return work.Job().Spec.Template
}

// secret reports whether a pod is given a Secret.
func secret(pod corev1.PodSpec) bool {
	return slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool {
		return v.Secret != nil || v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, func(p corev1.VolumeProjection) bool { return p.Secret != nil })
	})
}

// TestWorkersReachTheirSourcesAlone: the policies select the very pods that the operator makes. Whoever has a source's credentials
// reaches the source, whatever its stage, and nobody else reaches anything.
func TestWorkersReachTheirSourcesAlone(t *testing.T) {
	fetching := map[string]bool{"download": true, "download bounded": true, "split bounded": true}
	for _, stage := range pipeline.Stages() {
		for _, bounded := range []bool{false, true} {
			name := string(stage)
			if bounded {
				name += " bounded"
			}
			t.Run(name, func(t *testing.T) {
				pod := podOf(t, stage, bounded)
				closed, ways := map[networkingv1.PolicyType]bool{}, 0
				for _, policy := range workerPolicies(t) {
					if selects(t, &policy.Spec.PodSelector, pod.Labels) {
						for _, kind := range policy.Spec.PolicyTypes {
							closed[kind] = true
						}
						ways += len(policy.Spec.Egress) + len(policy.Spec.Ingress)
					}
				}
				if !closed[networkingv1.PolicyTypeIngress] || !closed[networkingv1.PolicyTypeEgress] {
					t.Errorf("closed are %v", closed)
				}
				if open, wants := ways > 0, fetching[name]; open != wants || secret(pod.Spec) != wants {
					t.Errorf("has a way out: %v, has a Secret: %v, want %v", open, secret(pod.Spec), wants)
				}
			})
		}
	}
}

// lets reports whether a rule lets a connection to an address outside of the cluster through.
func lets(rule networkingv1.NetworkPolicyEgressRule, to netip.AddrPort) bool {
	port := len(rule.Ports) == 0 || slices.ContainsFunc(rule.Ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.Port.IntValue() == int(to.Port()) && ptr.Deref(p.Protocol, corev1.ProtocolTCP) == corev1.ProtocolTCP
	})
	return port && slices.ContainsFunc(rule.To, func(peer networkingv1.NetworkPolicyPeer) bool {
		inside := func(block string) bool { return netip.MustParsePrefix(block).Contains(to.Addr()) }
		return peer.IPBlock != nil && inside(peer.IPBlock.CIDR) && !slices.ContainsFunc(peer.IPBlock.Except, inside)
	})
}

// TestWhatAFetchReaches: public web servers and DNS; nothing that gives a node's credentials, and no private network, in any form
// of an address.
func TestWhatAFetchReaches(t *testing.T) {
	const open, closed = true, false
	tests := []struct {
		to   string
		what string
		want bool
	}{
		{"18.155.129.31:443", "a public server", open},
		{"8.8.8.8:80", "a public server without TLS", open},
		{"[2606:4700::6810:1]:443", "a public server", open},
		{"[64:ff9b::129b:811f]:443", "a public server by way of a translator", open},
		{"169.254.20.10:53", "the DNS cache of a node", open},
		{"18.155.129.31:22", "another port", closed},
		{"169.254.20.10:80", "the node's cache on another port", closed},
		{"169.254.169.254:80", "metadata of AWS, Azure and Google", closed},
		{"169.254.169.254:53", "a resolver that is metadata", closed},
		{"169.254.170.23:80", "credentials of EKS", closed},
		{"168.63.129.16:80", "Azure's agent", closed},
		{"192.0.0.192:80", "metadata of Oracle", closed},
		{"100.100.100.200:80", "metadata of Alibaba", closed},
		{"10.0.0.1:443", "a private network", closed},
		{"172.31.255.255:443", "a private network", closed},
		{"192.168.1.1:443", "a private network", closed},
		{"127.0.0.1:80", "loopback", closed},
		{"0.0.0.0:80", "this host", closed},
		{"255.255.255.255:80", "broadcast", closed},
		{"224.0.0.1:80", "multicast", closed},
		{"198.18.0.1:80", "test networks", closed},
		{"[fd00:ec2::254]:80", "metadata of AWS", closed},
		{"[fd20:ce::254]:80", "metadata of Google", closed},
		{"[fe80::a9fe:a9fe]:80", "link-local", closed},
		{"[::1]:80", "loopback", closed},
		{"[::]:80", "unspecified", closed},
		{"[::169.254.169.254]:80", "metadata, compatible", closed},
		{"[::ffff:0:169.254.169.254]:80", "metadata, translated", closed},
		{"[64:ff9b::169.254.169.254]:80", "metadata behind a translator", closed},
		{"[64:ff9b:1:a9fe:a9:fe00::]:80", "metadata behind a translator of one's own", closed},
		{"[64:ff9b::168.63.129.16]:80", "Azure's agent behind a translator", closed},
		{"[64:ff9b::10.0.0.1]:80", "a private network behind one", closed},
		{"[64:ff9b::172.16.0.1]:80", "a private network behind one", closed},
		{"[64:ff9b::192.168.0.1]:80", "a private network behind one", closed},
		{"[64:ff9b::192.0.0.192]:80", "metadata of Oracle behind one", closed},
		{"[64:ff9b::100.100.100.200]:80", "metadata of Alibaba behind one", closed},
		{"[2002:a9fe:a9fe::1]:80", "metadata by 6to4", closed},
		{"[2001:0:a9fe:a9fe::]:80", "metadata by Teredo", closed},
		{"[ff02::1]:80", "multicast", closed},
	}
	pod := podOf(t, pipeline.StageDownload, false)
	for _, test := range tests {
		reached := false
		for _, policy := range workerPolicies(t) {
			if selects(t, &policy.Spec.PodSelector, pod.Labels) {
				reached = reached || slices.ContainsFunc(policy.Spec.Egress, func(rule networkingv1.NetworkPolicyEgressRule) bool {
					return lets(rule, netip.MustParseAddrPort(test.to))
				})
			}
		}
		if reached != test.want {
			t.Errorf("%s, %s: open is %v", test.to, test.what, reached)
		}
	}
}

// TestFetchesFindDNS: of the usual clusters and of OpenShift, which serves it on another port.
func TestFetchesFindDNS(t *testing.T) {
	var got []string
	for _, policy := range workerPolicies(t) {
		for _, rule := range policy.Spec.Egress {
			for _, peer := range rule.To {
				for _, namespace := range []string{"kube-system", "openshift-dns", "kube-public", "default"} {
					if peer.NamespaceSelector != nil && selects(t, peer.NamespaceSelector, map[string]string{corev1.LabelMetadataName: namespace}) {
						for _, port := range rule.Ports {
							got = append(got, fmt.Sprintf("%s %s %s", namespace, *port.Protocol, port.Port))
						}
					}
				}
			}
		}
	}
	want := []string{
		"kube-system UDP 53", "kube-system TCP 53", "kube-system UDP 5353", "kube-system TCP 5353",
		"openshift-dns UDP 53", "openshift-dns TCP 53", "openshift-dns UDP 5353", "openshift-dns TCP 5353",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DNS (-want +got):\n%s", diff)
	}
}

// TestExceptionsLieInTheirBlocks: the API server refuses others, and network plugins know no IPv4 address in an IPv6 block.
func TestExceptionsLieInTheirBlocks(t *testing.T) {
	for _, policy := range workerPolicies(t) {
		for _, rule := range policy.Spec.Egress {
			for _, peer := range rule.To {
				if peer.IPBlock == nil {
					continue
				}
				block := netip.MustParsePrefix(peer.IPBlock.CIDR)
				for _, text := range peer.IPBlock.Except {
					except := netip.MustParsePrefix(text)
					if except != except.Masked() || !block.Contains(except.Addr()) || except.Bits() <= block.Bits() || except.Addr().Is4In6() {
						t.Errorf("%s: %s is no exception of %s", policy.Name, except, block)
					}
				}
			}
		}
	}
}

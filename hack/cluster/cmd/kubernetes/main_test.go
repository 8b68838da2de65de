package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestComponentArgs(t *testing.T) {
	for name, test := range map[string]struct{ args, want []string }{
		"by link":                   {[]string{"/a/envtest/etcd", "--name=x"}, []string{"etcd", "--name=x"}},
		"by first argument":         {[]string{"/a/kubernetes", "kubelet", "--v=2"}, []string{"kubelet", "--v=2"}},
		"link wins over argument":   {[]string{"kubectl", "etcd"}, []string{"kubectl", "etcd"}},
		"unknown argument":          {[]string{"kubernetes", "kubeadm"}, nil},
		"flag is no component":      {[]string{"kubernetes", "--help"}, nil},
		"component comes first":     {[]string{"kubernetes", "--v=2", "kubelet"}, nil},
		"no argument":               {[]string{"kubernetes"}, nil},
		"no program name":           {nil, nil},
		"suffixed name is no match": {[]string{"etcd2"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, componentArgs(test.args)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

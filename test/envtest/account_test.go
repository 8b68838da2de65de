package envtest

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const (
	// managerAccount is the manager's service account of config/default.
	managerAccount = "system:serviceaccount:" + managerNamespace + ":datasetmix-manager"
	// managerNamespace is where config/default puts the manager.
	managerNamespace = "datasetmix-system"
	// shippedImage is the image in config.
	shippedImage = "ghcr.io/datasetmix/datasetmix:latest"
)

// installed returns the objects of a folder of config, with the image of these tests.
func installed(folder string) ([]*unstructured.Unstructured, error) {
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join("..", "..", "config", folder))
	if err != nil {
		return nil, err
	}
	var all []*unstructured.Unstructured
	for _, resource := range made.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(strings.ReplaceAll(string(text), shippedImage, workerImage)), &object.Object); err != nil {
			return nil, err
		}
		all = append(all, object)
	}
	return all, nil
}

// install makes the objects of a folder of config, but for the CustomResourceDefinition, which is there.
func install(ctx context.Context, folder string) error {
	all, err := installed(folder)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(o *unstructured.Unstructured) bool { return o.GetKind() == "CustomResourceDefinition" })
	for _, object := range all {
		if err := client.WithFieldValidation(api, "Strict").Create(ctx, object); err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// serviceAccount returns the manager's user as an installation makes it: with the rights of config/default and no others, so that one
// that is missing there fails the tests, and confined by its admission policies, so that one that refuses too much does.
func serviceAccount(ctx context.Context, environment *envtest.Environment) (*rest.Config, error) {
	if err := install(ctx, "default"); err != nil {
		return nil, err
	}
	user, err := environment.AddUser(envtest.User{Name: managerAccount}, nil)
	if err != nil {
		return nil, err
	}
	if managerKubeconfig, err = user.KubeConfig(); err != nil {
		return nil, err
	}
	administrator, err := environment.AddUser(envtest.User{Name: "administrator", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		return nil, err
	}
	if adminKubeconfig, err = administrator.KubeConfig(); err != nil {
		return nil, err
	}
	config := user.Config()
	config.QPS = -1 // what the manager has: it leaves its rate to the API server
	return config, confined(ctx, config, "default")
}

// confined waits until the API server has taken the admission policies up, of which it is told a little later.
func confined(ctx context.Context, user *rest.Config, namespace string) error {
	manager, err := client.New(user, client.Options{Scheme: api.Scheme()})
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(timeout); ; time.Sleep(interval) {
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "of-nobody"}}
		if err = manager.Create(ctx, probe, client.DryRunAll); byPolicy(err) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the admission policies are not in force: a ConfigMap of nobody's: %w", err)
		}
	}
}

// byPolicy reports whether a request was refused by an admission policy.
func byPolicy(err error) bool {
	return err != nil && strings.Contains(err.Error(), "ValidatingAdmissionPolicy 'datasetmix-")
}

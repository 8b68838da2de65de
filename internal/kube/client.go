// Package kube reads mixes, and their pods, Events and results, from an API server, as far as the rights of its user go: a request that is
// forbidden returns a *ForbiddenError that names the right, so that everything else can still be shown.
package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// Client reads one namespace.
type Client struct {
	Namespace string
	api       client.WithWatch
	core      corev1client.CoreV1Interface
	config    *rest.Config
}

// ForbiddenError is a right that the user lacks.
type ForbiddenError struct {
	Verb, Resource string
	Err            error
}

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("not permitted: %s %s", e.Verb, e.Resource)
}

func (e *ForbiddenError) Unwrap() error { return e.Err }

// forbidden names the right that an error is about, and returns any other error as it is.
func forbidden(verb, resource string, err error) error {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return &ForbiddenError{Verb: verb, Resource: resource, Err: err}
	}
	return err
}

// mixKind is the kind of a DatasetMix.
var mixKind = datav1alpha1.GroupVersion.WithKind(datav1alpha1.Kind)

// mapper knows the resources that this package asks for, so that no client has to discover those of the server.
func mapper() apimeta.RESTMapper {
	known := apimeta.NewDefaultRESTMapper(nil)
	for _, kind := range []string{"Pod", "Event", "ConfigMap", "PersistentVolumeClaim"} {
		known.Add(corev1.SchemeGroupVersion.WithKind(kind), apimeta.RESTScopeNamespace)
	}
	known.Add(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview"), apimeta.RESTScopeRoot)
	known.Add(appsv1.SchemeGroupVersion.WithKind("Deployment"), apimeta.RESTScopeNamespace)
	known.AddSpecific(mixKind, mixKind.GroupVersion().WithResource("datasetmixes"), mixKind.GroupVersion().WithResource("datasetmix"), apimeta.RESTScopeNamespace)
	return known
}

// New returns a client of a namespace.
func New(config *rest.Config, namespace string) (*Client, error) {
	known := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(known), datav1alpha1.AddToScheme(known)); err != nil {
		return nil, err
	}
	api, err := client.NewWithWatch(config, client.Options{Scheme: known, Mapper: mapper()})
	if err != nil {
		return nil, err
	}
	core, err := corev1client.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Client{Namespace: namespace, api: api, core: core, config: config}, nil
}

// Mix returns a mix, with the fields that this release does not know. The error for a name that does not exist lists the
// names that do, where the user may list them.
func (c *Client) Mix(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	mix := &unstructured.Unstructured{}
	mix.SetGroupVersionKind(mixKind)
	err := c.api.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, mix)
	if apierrors.IsNotFound(err) {
		return nil, c.noMix(ctx, name, err)
	}
	return mix, forbidden("get", "datasetmixes", err)
}

// NotFoundError is a mix that does not exist; Names are the mixes of the namespace that do.
type NotFoundError struct {
	Namespace, Name string
	Names           []string
	Err             error
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("there is no DatasetMix %s in namespace %s", e.Name, e.Namespace)
}

func (e *NotFoundError) Unwrap() error { return e.Err }

func (c *Client) noMix(ctx context.Context, name string, cause error) error {
	if strings.Contains(cause.Error(), "the server could not find the requested resource") {
		return fmt.Errorf("the cluster does not know DatasetMix; install the operator first: %w", cause)
	}
	missing := &NotFoundError{Namespace: c.Namespace, Name: name, Err: cause}
	if all, err := c.Mixes(ctx); err == nil {
		for i := range all {
			missing.Names = append(missing.Names, all[i].GetName())
		}
	}
	return missing
}

// Mixes returns the mixes of the namespace.
func (c *Client) Mixes(ctx context.Context) ([]unstructured.Unstructured, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(mixKind.GroupVersion().WithKind(mixKind.Kind + "List"))
	err := c.api.List(ctx, list, client.InNamespace(c.Namespace))
	return list.Items, forbidden("list", "datasetmixes", err)
}

// Typed returns a mix as this release knows it.
func Typed(mix *unstructured.Unstructured) (*datav1alpha1.DatasetMix, error) {
	typed := &datav1alpha1.DatasetMix{}
	return typed, runtime.DefaultUnstructuredConverter.FromUnstructured(mix.Object, typed)
}

// UnknownFields returns an error for each field in a mix's spec that this release does not know: unknown field "spec.domains[0].tongue".
func UnknownFields(mix *unstructured.Unstructured) []error {
	spec := map[string]any{"spec": mix.Object["spec"]}
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(spec, &datav1alpha1.DatasetMix{}, true)
	if unknown, ok := runtime.AsStrictDecodingError(err); ok {
		return unknown.Errors()
	}
	return nil
}

// Pods returns the worker pods of a mix, the oldest first.
func (c *Client) Pods(ctx context.Context, mix client.Object) ([]corev1.Pod, error) {
	var list corev1.PodList
	err := c.api.List(ctx, &list, client.InNamespace(c.Namespace), client.MatchingLabels{datav1alpha1.LabelUID: string(mix.GetUID())})
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int {
		if order := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); order != 0 {
			return order
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list.Items, forbidden("list", "pods", err)
}

// Events returns the Events of a mix, the oldest first.
func (c *Client) Events(ctx context.Context, mix client.Object) ([]corev1.Event, error) {
	var list corev1.EventList
	err := c.api.List(ctx, &list, client.InNamespace(c.Namespace),
		client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("involvedObject.uid", string(mix.GetUID()))})
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return EventTime(a).Compare(EventTime(b)) })
	return list.Items, forbidden("list", "events", err)
}

// Results returns what the manager has recorded of finished units, by key. Entries that this release does not understand are omitted.
func (c *Client) Results(ctx context.Context, name string) (map[string]pipeline.Result, error) {
	var config corev1.ConfigMap
	if err := c.api.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, &config); err != nil {
		return nil, forbidden("get", "configmaps", err)
	}
	results := map[string]pipeline.Result{}
	for key, value := range config.Data {
		var result pipeline.Result
		if len(key) == keyLength && json.Unmarshal([]byte(value), &result) == nil {
			results[key] = result
		}
	}
	return results, nil
}

// keyLength is the number of characters of a unit's key: a SHA-256 in hex.
const keyLength = 64

// Log opens the log of a pod.
func (c *Client) Log(ctx context.Context, pod string, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	log, err := c.core.Pods(c.Namespace).GetLogs(pod, options).Stream(ctx)
	return log, forbidden("get", "pods/log", err)
}

// managerLabels select the manager.
var managerLabels = labels.Set{"app.kubernetes.io/name": "datasetmix-operator", "app.kubernetes.io/component": "manager"}

// Manager returns the Deployments of managers: those of the whole cluster, or those of the client's namespace and of the usual one where
// the user may not see more.
func (c *Client) Manager(ctx context.Context) ([]appsv1.Deployment, error) {
	var list appsv1.DeploymentList
	selector := client.MatchingLabels(managerLabels)
	err := c.api.List(ctx, &list, selector)
	if !apierrors.IsForbidden(err) {
		return list.Items, forbidden("list", "deployments", err)
	}
	var found []appsv1.Deployment
	for _, namespace := range slices.Compact([]string{usualNamespace, c.Namespace}) {
		var here appsv1.DeploymentList
		if next := c.api.List(ctx, &here, selector, client.InNamespace(namespace)); next == nil {
			found, err = append(found, here.Items...), nil
		}
	}
	return found, forbidden("list", "deployments", err)
}

// usualNamespace is where config/default, the chart and install.yaml put the manager.
const usualNamespace = "datasetmix-system"

package kube

import (
	"cmp"
	"context"
	"errors"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Right is a verb on a resource of the core group, such as create on pods/portforward.
type Right struct{ Verb, Resource string }

// May asks the API server whether the user has rights, before anything is done. The error is a *ForbiddenError for the first right that the user
// lacks. A server that does not answer is no error: the request that needs the right fails then.
func (c *Client) May(ctx context.Context, rights ...Right) error {
	for _, right := range rights {
		resource, sub, _ := strings.Cut(right.Resource, "/")
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: c.Namespace, Verb: right.Verb, Resource: resource, Subresource: sub},
		}}
		if err := c.api.Create(ctx, review); err == nil && !review.Status.Allowed {
			return &ForbiddenError{Verb: right.Verb, Resource: right.Resource, Err: errDenied}
		}
	}
	return ctx.Err()
}

// errDenied is the error of an access review that is not allowed.
var errDenied = errors.New("the API server says that you may not; ask for the ClusterRole of this verb, config/command has it")

// CreatePod creates a pod.
func (c *Client) CreatePod(ctx context.Context, pod *corev1.Pod) error {
	return forbidden("create", "pods", c.api.Create(ctx, pod))
}

// Pod returns a pod as it is now.
func (c *Client) Pod(ctx context.Context, name string) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	err := c.api.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, pod)
	return pod, forbidden("get", "pods", err)
}

// DeletePod deletes a pod. It is no error if the pod does not exist.
func (c *Client) DeletePod(ctx context.Context, name string) error {
	pod := &corev1.Pod{}
	pod.Namespace, pod.Name = c.Namespace, name
	return forbidden("delete", "pods", client.IgnoreNotFound(c.api.Delete(ctx, pod)))
}

// Claim returns a PersistentVolumeClaim; found is false if it does not exist.
func (c *Client) Claim(ctx context.Context, name string) (claim *corev1.PersistentVolumeClaim, found bool, err error) {
	claim = &corev1.PersistentVolumeClaim{}
	err = c.api.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, claim)
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	return claim, err == nil, forbidden("get", "persistentvolumeclaims", err)
}

// ClaimNames returns the names of the namespace's PersistentVolumeClaims, nil if the user may not list them.
func (c *Client) ClaimNames(ctx context.Context) []string {
	var list corev1.PersistentVolumeClaimList
	if err := c.api.List(ctx, &list, client.InNamespace(c.Namespace)); err != nil {
		return nil // the names are for a hint only
	}
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

// CreateClaim creates a PersistentVolumeClaim. It is an error if it exists.
func (c *Client) CreateClaim(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	return forbidden("create", "persistentvolumeclaims", c.api.Create(ctx, claim))
}

// WorkerImage returns the image of the workers, empty if no manager is seen: the manager's own, unless its environment names another one.
func (c *Client) WorkerImage(ctx context.Context) (string, error) {
	container, err := managerContainer(ctx, c)
	return cmp.Or(valueOf(container, "WORKER_IMAGE"), container.Image), err
}

// HubEndpoint returns the address of the Hugging Face Hub that workers read, empty for the public one, or if no manager is seen.
func (c *Client) HubEndpoint(ctx context.Context) (string, error) {
	container, err := managerContainer(ctx, c)
	return valueOf(container, "HF_ENDPOINT"), err
}

// managerContainer returns the container of the first manager, the zero value if no manager is seen.
func managerContainer(ctx context.Context, c *Client) (corev1.Container, error) {
	managers, err := c.Manager(ctx)
	if len(managers) == 0 {
		return corev1.Container{}, err
	}
	return ManagerContainer(&managers[0]), err
}

// ManagerContainer returns the container in which the manager of a Deployment runs, the zero value if there is none.
func ManagerContainer(deployment *appsv1.Deployment) corev1.Container {
	for _, container := range deployment.Spec.Template.Spec.Containers {
		if container.Name == "manager" {
			return container
		}
	}
	return corev1.Container{}
}

func valueOf(container corev1.Container, variable string) string {
	for _, v := range container.Env {
		if v.Name == variable {
			return v.Value
		}
	}
	return ""
}

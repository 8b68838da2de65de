package kube

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pollEvery is how often a mix is read again where it cannot be watched.
const pollEvery = 2 * time.Second

// Follow calls seen with the mix as it is and then with every later version, until seen is done, the context ends or the mix is deleted. A mix
// that the user may get but not watch is read again and again.
func (c *Client) Follow(ctx context.Context, name string, seen func(*unstructured.Unstructured) (done bool, err error)) error {
	for {
		mix, err := c.Mix(ctx, name)
		if err != nil {
			return err
		}
		if done, err := seen(mix); done || err != nil {
			return err
		}
		done, err := c.watch(ctx, mix, seen)
		if done || err != nil {
			return err
		}
		select { // a watch ends by itself now and then, and then the mix is read again
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// watch calls seen with later versions until it is done or the watch ends.
func (c *Client) watch(ctx context.Context, mix *unstructured.Unstructured, seen func(*unstructured.Unstructured) (bool, error)) (bool, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(mixKind.GroupVersion().WithKind(mixKind.Kind + "List"))
	watching, err := c.api.Watch(ctx, list, client.InNamespace(c.Namespace), client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", mix.GetName())},
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: mix.GetResourceVersion()}})
	if err != nil {
		return false, ctx.Err() // not permitted, or the version is too old: ask again
	}
	defer watching.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case event, open := <-watching.ResultChan():
			if !open || event.Type == watch.Error || event.Type == watch.Deleted {
				return false, nil // the next read of the mix shows which
			}
			later, ok := event.Object.(*unstructured.Unstructured)
			if !ok {
				return false, nil
			}
			if done, err := seen(later); done || err != nil {
				return true, err
			}
		}
	}
}

// EventTime returns when an Event was last seen.
func EventTime(event corev1.Event) time.Time {
	switch {
	case event.Series != nil:
		return event.Series.LastObservedTime.Time
	case !event.LastTimestamp.IsZero():
		return event.LastTimestamp.Time
	case !event.EventTime.IsZero():
		return event.EventTime.Time
	default:
		return event.CreationTimestamp.Time
	}
}

package envtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// course is one mix in a namespace of its own, with a manager of its own.
type course struct {
	space  string
	name   string
	fleet  *fleet
	shift  *shift
	inject *injector
	pokes  int
}

// scenario is what a person does to a mix.
type scenario struct {
	name string
	mix  *datav1alpha1.DatasetMix
	work func() workers
	// steps are what comes after the creation; the last one ends with a mix that is published.
	steps func(context.Context, *course) error
}

// operate starts a manager, and another one whenever the process ends, until the context does.
func (r *course) operate(ctx context.Context) error {
	inject := r.inject
	for {
		life, end := context.WithCancel(ctx)
		ended, err := operator{account: account, namespace: r.space, between: inject.between, silent: true}.start(life)
		if err != nil {
			end()
			return err
		}
		select {
		case <-inject.dead:
			end()
			if err := <-ended; err != nil {
				return err
			}
			inject = newInjector(call{}, "")
		case err := <-ended:
			end()
			return err
		}
	}
}

// until waits for a version of the mix.
func (r *course) until(ctx context.Context, what string, wanted func(*datav1alpha1.DatasetMix) bool) error {
	mix, err := seen.wait(ctx, r.key(r.name), wanted)
	if err == nil {
		return nil
	}
	status := []byte("no mix")
	if mix != nil {
		status, _ = json.Marshal(mix.Status)
	}
	return fmt.Errorf("it is never %s: %w: %s", what, err, status)
}

// isPublished reports whether the present generation is, and nothing is left to do.
func isPublished(mix *datav1alpha1.DatasetMix) bool {
	ready := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == mix.Generation
}

func hasReason(reason string) func(*datav1alpha1.DatasetMix) bool {
	return func(mix *datav1alpha1.DatasetMix) bool {
		ready := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReady)
		return ready != nil && ready.Reason == reason && ready.ObservedGeneration == mix.Generation
	}
}

func (r *course) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: r.space, Name: name}
}

// edit changes the mix as a person does.
func (r *course) edit(ctx context.Context, patch string) error {
	mix := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Namespace: r.space, Name: r.name}}
	if err := api.Patch(ctx, mix, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		return err
	}
	generation := mix.Generation
	_, err := seen.wait(ctx, r.key(r.name), func(mix *datav1alpha1.DatasetMix) bool { return mix.Generation >= generation })
	return err
}

// poke changes an annotation, which starts a pass and asks for nothing.
func (r *course) poke(ctx context.Context) error {
	r.pokes++
	return r.edit(ctx, fmt.Sprintf(`{"metadata":{"annotations":{"poke":"%d"}}}`, r.pokes))
}

// provoke makes the manager call once more what it has called already: by a change that it has to undo, or by a pass.
func (r *course) provoke(ctx context.Context, what string) error {
	switch what {
	case "patch status of DatasetMix":
		mix := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Namespace: r.space, Name: r.name}}
		return api.Status().Patch(ctx, mix, client.RawPatch(types.MergePatchType, []byte(`{"status":{"summary":null}}`)))
	case "update ConfigMap":
		config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: r.space, Name: r.name + "-results"}}
		return api.Patch(ctx, config, client.RawPatch(types.MergePatchType, []byte(`{"data":{"junk":"{}"}}`)))
	default:
		return r.poke(ctx)
	}
}

// state returns everything that a build leaves in the API server, without times and without what is drawn by lot.
func (r *course) state(ctx context.Context) (string, error) {
	mix := &datav1alpha1.DatasetMix{}
	if err := api.Get(ctx, r.key(r.name), mix); err != nil {
		return "", err
	}
	replaced := []string{r.space, "SPACE", string(mix.UID), "MIX"}
	claim := &corev1.PersistentVolumeClaim{}
	switch err := api.Get(ctx, r.key(r.name+"-data"), claim); {
	case err == nil:
		replaced = append(replaced, string(claim.UID), "CLAIM")
	case !apierrors.IsNotFound(err):
		return "", err
	}
	jobs, maps, claims := &batchv1.JobList{}, &corev1.ConfigMapList{}, &corev1.PersistentVolumeClaimList{}
	whole := map[string]any{"status": mix.Status}
	for kind, list := range map[string]client.ObjectList{"jobs": jobs, "maps": maps, "claims": claims} {
		if err := api.List(ctx, list, client.InNamespace(r.space)); err != nil {
			return "", err
		}
		whole[kind] = list
	}
	for _, job := range jobs.Items {
		if id := job.Annotations[datav1alpha1.AnnotationBuild]; id != "" {
			replaced = append(replaced, id, "BUILD")
		}
		if template := job.Annotations[datav1alpha1.AnnotationTemplate]; template != "" {
			replaced = append(replaced, template, "TEMPLATE") // the claim's UID is in it
		}
	}
	encoded, err := json.Marshal(whole)
	if err != nil {
		return "", err
	}
	text := anyHash.ReplaceAllString(strings.NewReplacer(replaced...).Replace(string(encoded)), "-$1-HASH")
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		return "", err
	}
	pretty := &bytes.Buffer{}
	encoder := json.NewEncoder(pretty)
	encoder.SetIndent("", " ")
	err = encoder.Encode(withoutLots(tree))
	return pretty.String(), err
}

// withoutLots leaves out what differs from one run to the next.
func withoutLots(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		for key, value := range tree {
			switch {
			case key == "uid", key == "resourceVersion", key == "managedFields", key == "creationTimestamp", key == "time",
				strings.HasSuffix(key, "Time"), strings.HasSuffix(key, "controller-uid"):
				delete(tree, key)
			default:
				tree[key] = withoutLots(value)
			}
		}
		if items, ok := tree["items"].([]any); ok { // sorted by names that are drawn by lot
			slices.SortFunc(items, func(a, b any) int { return strings.Compare(encode(a), encode(b)) })
		}
	case []any:
		for i := range tree {
			tree[i] = withoutLots(tree[i])
		}
	}
	return tree
}

func encode(tree any) string {
	encoded, err := json.Marshal(tree)
	if err != nil {
		return err.Error() // a tree of JSON can always be written as JSON
	}
	return string(encoded)
}

// duplicates returns Jobs of the same stage and attempt for one generation of the mix, counting those that are gone: a mix that is suspended
// gives its Jobs up, and makes them again.
func (r *course) duplicates() []string {
	count := map[string]int{}
	var problems []string
	for _, job := range r.fleet.all(r.space) {
		units := job.Annotations[datav1alpha1.AnnotationUnits] + " at " + job.Annotations[datav1alpha1.AnnotationLocation]
		one := fmt.Sprintf("%s of %s, attempt %s, generation %s", job.Labels[datav1alpha1.LabelStage], units,
			job.Annotations[datav1alpha1.AnnotationAttempt], job.Annotations[datav1alpha1.AnnotationGeneration])
		if count[one]++; count[one] > 1 {
			problems = append(problems, "two Jobs for stage "+one)
		}
	}
	return problems
}

// settles waits until the state is the wanted one.
func (r *course) settles(ctx context.Context, want string) error {
	last := ""
	for {
		got, err := r.state(ctx)
		switch {
		case err == nil && got == want:
			return nil
		case err == nil:
			last = got
		case last == "":
			return fmt.Errorf("reading the state: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the state is another one (-undisturbed +disturbed):\n%s", byLine(want, last))
		case <-time.After(interval / 4):
		}
	}
}

// byLine shows the lines in which two texts differ.
func byLine(want, got string) string {
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}

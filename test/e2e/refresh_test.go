package e2e

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// looksAgain makes a branch of one source, and asks to look at it again: its download runs, and nothing else.
func (e *cluster) looksAgain() {
	mix := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "grpo-six"}}
	branch := []byte(`[{"op":"replace","path":"/spec/domains/2/datasets/0/source/huggingFace/revision","value":"main"}]`)
	e.must(e.Patch(e.Context(), mix, client.RawPatch(types.JSONPatchType, branch)))
	mix = e.ready("grpo-six")
	before, jobs := *mix.Status.Published, e.jobs()

	const now = "2026-11-24T21:00:00Z"
	annotations, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{datav1alpha1.AnnotationRequestedAt: now}}})
	e.must(err)
	e.must(e.Patch(e.Context(), mix, client.RawPatch(types.MergePatchType, annotations)))
	mix = e.until("grpo-six", "the request is acted upon", func(mix *datav1alpha1.DatasetMix) bool {
		return isReady(mix) && mix.Status.LastHandledRequestedAt == now
	})
	if after := *mix.Status.Published; after.Revision != before.Revision || after.Digest != before.Digest {
		e.Errorf("published was %+v, now is %+v", before, after)
	}
	looked := 0
	for name, stage := range e.jobs() {
		switch _, old := jobs[name]; {
		case old:
		case stage == "download":
			looked++
		default:
			e.Errorf("an unchanged branch made Job %s", name)
		}
	}
	if looked != 1 {
		e.Errorf("%d Jobs looked at the branch", looked)
	}
}

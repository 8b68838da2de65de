package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// share changes the share of the first domain, and returns what is published with it.
func (e *cluster) share(share int) datav1alpha1.Published {
	e.Helper()
	mix := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "grpo-six"}}
	e.patch(mix, fmt.Sprintf(`[{"op":"replace","path":"/spec/domains/0/share","value":%d}]`, share))
	return *e.ready("grpo-six").Status.Published
}

// proved fails the test unless a mix's current revision is the published one, to the byte.
func (e *cluster) proved(folder string, published datav1alpha1.Published) {
	e.Helper()
	proof, err := verify.Revision(e.Context(), filepath.Join(folder, "current"), verify.Options{Digest: published.Digest})
	if err != nil || proof.Manifest.Revision != published.Revision {
		e.Errorf("current is revision %q, and %s was published: %v", proof.Manifest.Revision, published.Revision, err)
	}
}

// breakByte changes a byte of a file where it lies, as a disk does.
func (e *cluster) breakByte(path string) {
	e.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	e.must(err)
	defer f.Close()
	info, err := f.Stat()
	e.must(err)
	one := make([]byte, 1)
	_, err = f.ReadAt(one, info.Size()/2)
	e.must(err)
	_, err = f.WriteAt([]byte{one[0] ^ 1}, info.Size()/2)
	e.must(err)
}

// TestAPublicationIsWhatIsThere breaks and removes what was published. Each time the mix is Ready again without a person, and what it
// names is there.
func TestAPublicationIsWhatIsThere(t *testing.T) {
	pid := node(t)
	e := newCluster(t)
	e.must(e.Create(t.Context(), e.sixDataSets()))
	first := *e.ready("grpo-six").Status.Published
	folder := filepath.Join(e.folder(pid, first.ClaimName), "grpo-six")
	revision := func(of datav1alpha1.Published) string { return filepath.Join(folder, "revisions", of.Revision) }
	e.proved(folder, first)
	second := e.share(5)
	e.proved(folder, second)

	t.Run("the old revision is removed, and its ratio comes back", func(t *testing.T) {
		e := e.in(t)
		e.must(os.RemoveAll(revision(first)))
		back := e.share(4)
		e.proved(folder, back)
		if back.Digest != first.Digest {
			t.Errorf("the manifest is %s, and was %s", back.Digest, first.Digest)
		}
	})
	t.Run("the current revision is removed, and another ratio chosen", func(t *testing.T) {
		e := e.in(t)
		e.must(os.RemoveAll(revision(first)))
		e.proved(folder, e.share(6))
	})
	t.Run("a byte breaks, and another ratio is chosen", func(t *testing.T) {
		e := e.in(t)
		e.breakByte(filepath.Join(folder, "current", "processed", "gsm8k", "train.jsonl"))
		again := e.share(5)
		e.proved(folder, again)
		if again.Digest != second.Digest {
			t.Errorf("the manifest is %s, and was %s", again.Digest, second.Digest)
		}
	})
	t.Run("a byte breaks, and everything is built again", func(t *testing.T) {
		e := e.in(t)
		e.breakByte(filepath.Join(folder, "current", "mixed", "train_mixed.jsonl"))
		const now = "2026-11-27T21:00:00Z"
		annotations, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{
			datav1alpha1.AnnotationRequestedAt: now, datav1alpha1.AnnotationForceAt: now,
		}}})
		e.must(err)
		mix := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "grpo-six"}}
		e.must(e.Patch(context.Background(), mix, client.RawPatch(types.MergePatchType, annotations)))
		mix = e.until("grpo-six", "everything is built again", func(mix *datav1alpha1.DatasetMix) bool {
			return isReady(mix) && mix.Status.LastHandledForceAt == now
		})
		e.proved(folder, *mix.Status.Published)
	})
}

package open_test

import (
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// TestLargeObjectsAreBounded: what is too large for any other source is too large in parts.
func TestLargeObjectsAreBounded(t *testing.T) {
	content := make([]byte, 5<<20)
	bucket := newS3Bucket(t, false)
	bucket.put("large.jsonl", content, "")
	env := s3Env(t)
	env.Reading.MaxFile = int64(len(content)) - 1
	s := subject{source: newSource(t, bucket.spec("/large.jsonl"), env)}
	_, _, err := sources.Fetch(t, s.source, only(t, s), nil)
	if err == nil || !contract.ReasonOf(err).Permanent() {
		t.Errorf("%v, want a failure for good", err)
	}
}

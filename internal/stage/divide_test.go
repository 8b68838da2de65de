package stage

import (
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/rowfile"
)

// TestAnswersStayApart: answers that differ have different identities, on both sides of the length from which they are hashed.
func TestAnswersStayApart(t *testing.T) {
	seen := map[rowfile.Short]string{}
	var buffer []byte
	for n := range 40 {
		for _, character := range []string{"\x00", "a", "b", "\xff"} {
			answer := strings.Repeat(character, n)
			id := answerOf(answer, &buffer)
			if other, there := seen[id]; there && other != answer {
				t.Errorf("%q and %q have the identity %x", answer, other, id)
			}
			if again := answerOf(answer, new([]byte)); again != id {
				t.Errorf("%q has the identities %x and %x", answer, id, again)
			}
			seen[id] = answer
		}
	}
	if want := 1 + 39*4; len(seen) != want {
		t.Errorf("%d identities, want %d", len(seen), want)
	}
}

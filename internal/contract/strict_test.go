package contract

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseQuestion(t *testing.T) {
	type question struct{ Kind string }
	got, err := ParseQuestion[question](`{"kind":"head"} `)
	if diff := cmp.Diff(question{"head"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for what, encoded := range map[string]string{
		"a member of a later release": `{"kind":"head","where":"x"}`,
		"two documents":               `{"kind":"head"}{}`,
		"half a document":             `{"kind":`,
		"another type":                `{"kind":1}`,
		"nothing":                     ``,
	} {
		if _, err := ParseQuestion[question](encoded); ReasonOf(err) != InvalidTask {
			t.Errorf("%s: %v", what, err)
		}
	}
}

package contract

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs/exit-codes.md tells users what this package decides.
func TestTheDocumentedExitCodesAreTheTrueOnes(t *testing.T) {
	page, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Code      int
		Permanent bool
	}
	documented, want := map[Reason]row{}, map[Reason]row{}
	for _, match := range regexp.MustCompile("(?m)^\\| (\\d+) \\| `(\\w+)` \\| (yes|no) ").FindAllStringSubmatch(string(page), -1) {
		code, _ := strconv.Atoi(match[1])
		documented[Reason(match[2])] = row{code, match[3] == "yes"}
	}
	for reason, code := range Reasons() {
		want[reason] = row{code, reason.Permanent()}
	}
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("the page differs from the code (-code +page):\n%s", diff)
	}
}

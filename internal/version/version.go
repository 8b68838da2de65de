// Package version has the release that a program was built for, and compares releases.
package version

import (
	"fmt"
	"strconv"
	"strings"
)

// number is set by the linker: -X github.com/datasetmix/datasetmix/internal/version.number=v1.2.3.
var number = "dev"

// Number returns the release that this program was built for, such as v1.2.3; dev if it was built for none.
func Number() string { return number }

// Release returns the three numbers of a release such as v1.2.3 or v1.2.3-rc.1; ok is false for anything else.
func Release(text string) (numbers [3]int, ok bool) {
	core, hasV := strings.CutPrefix(text, "v")
	core, _, _ = strings.Cut(core, "-")
	core, _, _ = strings.Cut(core, "+")
	parts := strings.Split(core, ".")
	if !hasV || len(parts) != len(numbers) {
		return numbers, false
	}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return numbers, false
		}
		numbers[i] = n
	}
	return numbers, true
}

// Skew returns a sentence about fields that the older of a client and a manager does not know; empty if they are of the same minor release, or if one of
// them is no release.
func Skew(client, manager string) string {
	ours, known := Release(client)
	theirs, too := Release(manager)
	switch {
	case !known || !too || ours[0] == theirs[0] && ours[1] == theirs[1]:
		return ""
	case newer(theirs, ours):
		return fmt.Sprintf("The manager is newer than this command: fields of the status that %s does not know are not shown. Install %s.", client, manager)
	default:
		return fmt.Sprintf("The manager is older than this command: fields of the spec that %s does not know are refused there. Upgrade the manager to %s.", manager, client)
	}
}

func newer(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] > b[i]
		}
	}
	return false
}

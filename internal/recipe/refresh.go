package recipe

import (
	"slices"
	"strings"
)

// commitLength is how many hex digits a commit has.
const commitLength = 40

// Floating reports whether the source may hold other bytes tomorrow under the same name: a branch, a tag, an address without a
// digest, a folder. One that is not is never resolved twice.
func (s Source) Floating() bool {
	switch {
	case s.HuggingFace != nil:
		return !IsHex(s.HuggingFace.Revision, commitLength)
	case s.HTTP != nil:
		return slices.ContainsFunc(s.HTTP.URLs, func(file HTTPFile) bool { return file.SHA256 == "" })
	case s.OCI != nil:
		_, digest, _ := strings.Cut(s.OCI.Reference, "@sha256:")
		return digest == ""
	default:
		return true
	}
}

// IsHex reports whether a text is so many lower-case hexadecimal digits.
func IsHex(text string, length int) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(text) == length
}

// Refreshed returns the recipe with all floating sources resolved by a request; empty is the recipe as it is. Pinned sources keep
// their keys, so nothing of them is done again.
func (r Recipe) Refreshed(request string) Recipe {
	if request == "" {
		return r
	}
	return mapSources(r, func(from Source) Source {
		if from.Floating() {
			from.Refresh = request
		}
		return from
	})
}

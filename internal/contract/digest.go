package contract

import (
	"fmt"
	"strings"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Digests come from outside: from a listing, a lock, a note, a task. They name files on the volume and parts of addresses, so
// whatever is none is refused where it enters, and once more before it names a file.

// IsSHA256 reports whether a text is a SHA-256 as it is written everywhere here: 64 lower-case hexadecimal digits.
func IsSHA256(text string) bool { return recipe.IsHex(text, 64) }

// IsGitDigest reports whether a text is a SHA-1 as git writes that of a commit or a blob: 40 lower-case hexadecimal digits.
func IsGitDigest(text string) bool { return recipe.IsHex(text, 40) }

// isRevision reports whether a text is what a source is resolved to: a commit, the digest of an artifact, or nothing.
func isRevision(text string) bool {
	digest, ofArtifact := strings.CutPrefix(text, artifactDigest)
	return text == "" || IsGitDigest(text) || ofArtifact && IsSHA256(digest)
}

const artifactDigest = "sha256:"

// maxPath is the most bytes of what a source calls a file.
const maxPath = 4096

// CheckOriginals refuses a list of files that no source has.
func CheckOriginals(files []Original) error {
	for i, file := range files {
		switch {
		case file.Path == "" || len(file.Path) > maxPath:
			return fmt.Errorf("file %d has a path of %d bytes, and one has 1 to %d", i+1, len(file.Path), maxPath)
		case !IsSHA256(file.SHA256):
			return fmt.Errorf("file %d, %.200q, has the SHA-256 %.100q, which is not 64 lower-case hexadecimal digits", i+1, file.Path, file.SHA256)
		case file.Size < 0:
			return fmt.Errorf("file %d, %.200q, has %d bytes", i+1, file.Path, file.Size)
		}
	}
	return nil
}

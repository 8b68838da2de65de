package contract

import "github.com/datasetmix/datasetmix/internal/recipe"

// Digests come from outside: from a listing, a lock, a note, a task. They become names of files on the volume and parts of addresses, so a text
// that is not a digest is refused where it enters, and once more before it names a file.

// IsSHA256 reports whether a text is a SHA-256 as it is written everywhere here: 64 lower-case hexadecimal digits.
func IsSHA256(text string) bool { return recipe.IsHex(text, 64) }

// IsGitDigest reports whether a text is a SHA-1 as git writes that of a commit or a blob: 40 lower-case hexadecimal digits.
func IsGitDigest(text string) bool { return recipe.IsHex(text, 40) }

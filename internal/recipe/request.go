package recipe

import (
	"fmt"
	"strings"
)

// Request returns a short description of a source for people, without what may be secret in an address.
func (s Source) Request() string {
	switch {
	case s.HuggingFace != nil:
		at := s.HuggingFace.Revision
		if at == "" {
			at = "the default branch"
		}
		words := []string{fmt.Sprintf("huggingFace %s at %s", s.HuggingFace.Repo, at)}
		for _, more := range [][2]string{{"config", s.HuggingFace.Config}, {"split", s.HuggingFace.Split}, {"files", strings.Join(s.HuggingFace.Files, " ")}} {
			if more[1] != "" {
				words = append(words, more[0]+" "+more[1])
			}
		}
		return strings.Join(words, ", ")
	case s.HTTP != nil && len(s.HTTP.URLs) > 0:
		first, _, _ := strings.Cut(s.HTTP.URLs[0].URL, "?")
		if n := len(s.HTTP.URLs) - 1; n > 0 {
			return fmt.Sprintf("http %s and %d more", first, n)
		}
		return "http " + first
	case s.Volume != nil:
		words := "volume " + s.Volume.ClaimName
		if s.Volume.Path != "" {
			words += "/" + s.Volume.Path
		}
		if len(s.Volume.Files) > 0 {
			words += ", files " + strings.Join(s.Volume.Files, " ")
		}
		return words
	case s.ObjectStore != nil:
		return "objectStore " + s.ObjectStore.URL
	case s.OCI != nil:
		return "oci " + s.OCI.Reference
	default:
		return ""
	}
}

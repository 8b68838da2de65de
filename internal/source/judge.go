package source

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// judged is a source whose listings are checked. The listing of a Hub, a store or a registry is untrusted text; it becomes names, numbers
// and digests only here. Later a digest names a file on the volume, and people see the path.
type judged struct{ Source }

// Bounds of a listing.
const (
	// MaxPath is the longest path of a file, as on Linux; MaxFiles is how many files a source may have.
	MaxPath  = 4096
	MaxFiles = 1_000_000

	maxLicense   = 200  // characters, as in the status
	maxRevision  = 128  // characters, of a commit or of a manifest's digest
	maxValidator = 1024 // bytes, of an ETag, a date, a version
)

func (j judged) Resolve(ctx context.Context) (Listing, error) {
	l, err := j.Source.Resolve(ctx)
	if err != nil {
		return Listing{}, err
	}
	l.License, l.Revision = License(l.License), contract.Clean(l.Revision, maxRevision)
	known := make(map[string]bool, len(l.Files))
	for _, f := range l.Files {
		if wrong := f.wrong(); wrong != "" {
			return Listing{}, contract.Failf(contract.InvalidData,
				"The listing of the source has the file %q with %s. Leave it out with files, or check the endpoint, and any mirror or proxy on the way.", contract.Clean(f.Path, 200), wrong)
		}
		if known[f.Path] {
			return Listing{}, contract.Failf(contract.InvalidData, "The listing of the source has the file %q twice. Check the server that lists it.", contract.Clean(f.Path, 200))
		}
		known[f.Path] = true
	}
	return l, nil
}

func (j judged) Open(ctx context.Context, f File, offset int64) (io.ReadCloser, error) {
	if wrong := f.wrong(); wrong != "" { // the file may come from a lock
		return nil, contract.Failf(contract.InvalidTask, "The file %q is listed with %s.", contract.Clean(f.Path, 200), wrong)
	}
	return j.Source.Open(ctx, f, offset)
}

var checksumText = regexp.MustCompile(`^(md5:[0-9a-f]{32}|crc32c:[0-9a-f]{8}|crc64nvme:[0-9a-f]{16})$`)

// wrong returns the part of a listed file that is not valid; empty if all is.
func (f File) wrong() string {
	switch {
	case f.Path == "":
		return "no name"
	case len(f.Path) > MaxPath || !utf8.ValidString(f.Path):
		return "a name that is too long, or no text"
	case contract.Clean(f.Path, 0) != f.Path:
		return "a name that has control characters, or characters that are not seen"
	case f.Size < -1:
		return "a negative size"
	case f.SHA256 != "" && !contract.IsSHA256(f.SHA256):
		return fmt.Sprintf("%q as its SHA-256, which has 64 lower-case hexadecimal digits", contract.Clean(f.SHA256, 100))
	case f.GitBlob != "" && !contract.IsGitDigest(f.GitBlob):
		return fmt.Sprintf("%q as git's digest of it, which has 40 lower-case hexadecimal digits", contract.Clean(f.GitBlob, 100))
	case f.Checksum != "" && !checksumText.MatchString(f.Checksum):
		return fmt.Sprintf("%q as its checksum, which is of none of the kinds that are known", contract.Clean(f.Checksum, 100))
	case len(f.Validator) > maxValidator || len(f.Revision) > maxValidator:
		return "a version or an ETag of more than 1,024 bytes"
	default:
		return ""
	}
}

// License joins the identifiers of licenses, as many as fit whole: a catalog looks for identifiers, and half of one is another one.
func License(identifiers ...string) string {
	const more = ", …"
	joined := ""
	for _, identifier := range identifiers {
		identifier = strings.TrimSpace(contract.Clean(identifier, maxLicense))
		if identifier == "" {
			continue
		}
		next := identifier
		if joined != "" {
			next = joined + ", " + identifier
		}
		if utf8.RuneCountInString(next) > maxLicense-len(more) && next != identifier {
			return joined + more
		}
		joined = next
	}
	return joined
}

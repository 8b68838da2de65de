package encode

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// goldens are the digests of the files of goldenRows. Where one changes, by an upgrade of klauspost/compress or parquet-go or
// by a constant of this package, the same recipe builds other bytes than before: raise the version of the mix stage, so that
// no finished unit of the old bytes is taken for one of the new, put the new digest here, and say so in the release notes.
// The plain format cannot change.
var goldens = map[recipe.Format][2]string{
	recipe.JSONL: {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"abb9b0b1066946452f7c82cefd31228c2c74e5feeda6aa0ee07175af36daa76b",
	},
	recipe.JSONLZstd: {
		"fa7e0653199fc4971ea8b48b945fad385c06923d64f7b9cc058d1bd9d56e31f4",
		"1301ebabe833de69d1fa5db983e1973bc258c6d7d9e5e6632bdbb313936c96be",
	},
	recipe.JSONLGzip: {
		"ac73670af3abed54ac6fb4695131f4099be9fbe39d6076c5d0264a6bbdae9d83",
		"200e459bacc03dfde098faf55ee6746dac8dbe88a65aef073fa84fad134dce45",
	},
	recipe.Parquet: {
		"46b1eff005a5698b986a270dbd013b857e9d7b696caf450bf3b973949844c337",
		"52bc4820acbcf801004210e4f5c4bab74d450d49ce355da255c8095094a04051",
	},
}

// goldenRows make several sections, blocks and pages, and come from no generator of the standard library but PCG, whose
// numbers are fixed.
func goldenRows() []string { return slices.Concat(special(), corpus(4000)) }

func TestGolden(t *testing.T) {
	digest := func(format recipe.Format, lines []string) string {
		sum := sha256.Sum256(write(t, format, lines))
		return hex.EncodeToString(sum[:])
	}
	every(t, func(t *testing.T, format recipe.Format) {
		for i, lines := range [][]string{nil, goldenRows()} {
			if got := digest(format, lines); got != goldens[format][i] {
				t.Errorf("%d rows have the digest %s, not %s", len(lines), got, goldens[format][i])
			}
		}
	})
}

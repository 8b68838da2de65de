package stage

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// goldenRows are rows with all that the published form treats in a way of its own: escapes, control characters, characters
// of two to four bytes, an empty answer, equal questions in two data sets and twice in one.
const goldenRows = `{"question":"Say \"A\\B\" and \/","answer":"tab\tline\nbell\u0007"}
{"question":"Wie groß ist 𝄞 — ein Ω?","answer":"ß"}
{"question":"Who is 7?","answer":""}
{"question":"\u2028 \ud834\udd1e \u00e9","answer":"x"}
{"question":"Who is 7?","answer":"again"}
{"question":"What is the sum of 3?","answer":"as in another data set"}
`

// golden builds a fixed corpus and gives the SHA-256 of every file of rows.
func golden(t *testing.T, order recipe.Order) map[string]string {
	w := filled(t)
	w.put("facts.jsonl", goldenRows+facts(300))
	r := two()
	r.Order = order
	w.build(r)
	var manifest contract.Manifest
	if err := json.Unmarshal([]byte(w.read("mix/current/manifest.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	digests := map[string]string{}
	for _, file := range manifest.Files {
		if file.Rows != nil {
			digests[file.Path] = file.SHA256
		}
		if got := w.digest("mix/current/" + file.Path); got != file.SHA256 {
			t.Errorf("%s has the SHA-256 %s, the manifest says %s", file.Path, got, file.SHA256)
		}
	}
	return digests
}

// The bytes of a fixed corpus, for ever: whatever makes the data plane faster may not change one of them. Who raises the
// version of a stage's algorithm changes them on purpose, and says so in docs/format.md. The manifest is left out: it tells the
// recipe and its keys, which grow with the API.
func TestGoldenBytes(t *testing.T) {
	for order, mixed := range map[recipe.Order]map[string]string{
		recipe.Shuffled: {
			"mixed/test_mixed.jsonl":  "d1f328c39b457d30ad17e62076c134825d299ca0ebaf71e1ed9f4d44e6c959be",
			"mixed/train_mixed.jsonl": "158f978314092a2970c52d8598af062596bafc93ffaa6128a457b322dcdc797e",
		},
		recipe.Interleaved: {
			"mixed/test_mixed.jsonl":  "fb3ca65cf1608b6eb0c811687fd55109813749bc1f2d84b2122e995465581eb5",
			"mixed/train_mixed.jsonl": "77a0c10bc2efa97ede893ab6924109954c5e05bce02b3d1b4a9065ca2a645d7c",
		},
	} {
		want := map[string]string{
			"processed/facts/test.jsonl":     "fb22b9a8aae54ed8b24084a0ca55e17fe6b7bf91586e54e901dc34ea792bd1bb",
			"processed/facts/train.jsonl":    "cda71e4bc188605a39063725b025b3b15afcea3a594245556ee9cccf723b116e",
			"processed/products/test.jsonl":  "e8588fff04536927e05bf83fef4d8c784e6999f52177af3218654536fe3b0939",
			"processed/products/train.jsonl": "ab2f759081005b28c166b6e449c13cdc369a8e56151e1621a3246850519bdad1",
			"processed/sums/test.jsonl":      "d70177100f0215a87238fb84ec19c1fb74add6ccf325913d05fffadb4df9659d",
			"processed/sums/train.jsonl":     "9d3ef39e922fb949014edb16339735af46c54fcd9737385f5bb76f1ea6ecd292",
			"raw/math/products.jsonl":        "878a73e55905d98d6532b7cd9fff2a383d0891c635133bc734c35336b9d54c5b",
			"raw/math/sums.jsonl":            "0cb5c2fc6afdf0cd08aa4e6fae170be2f415174b9eaa2050c265401ff7cf9f19",
			"raw/qa/facts.jsonl":             "6d2f26b3d7993f79ac78663859a431c7a2ee39b7e621b1714fb5d995479b8dca",
			"test/facts_test.jsonl":          "fb22b9a8aae54ed8b24084a0ca55e17fe6b7bf91586e54e901dc34ea792bd1bb",
			"test/products_test.jsonl":       "e8588fff04536927e05bf83fef4d8c784e6999f52177af3218654536fe3b0939",
			"test/sums_test.jsonl":           "d70177100f0215a87238fb84ec19c1fb74add6ccf325913d05fffadb4df9659d",
		}
		maps.Copy(want, mixed)
		t.Run(string(order), func(t *testing.T) {
			if diff := cmp.Diff(want, golden(t, order)); diff != "" {
				t.Errorf("bytes differ (-want +got):\n%s", diff)
			}
		})
	}
}

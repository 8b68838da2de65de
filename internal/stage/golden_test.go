package stage

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
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
func golden(t *testing.T, order recipe.Order, rule recipe.Comparison) map[string]string {
	w := filled(t)
	w.put("facts.jsonl", goldenRows+recipes.Facts(300))
	r := recipes.Two()
	r.Order, r.Compare = order, rule
	w.build(r)
	var manifest revision.Manifest
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
			"mixed/test_mixed.jsonl":  "fb370726b09b9993336aa249b4d66016e48b73f064452ab8769a161796530ae4",
			"mixed/train_mixed.jsonl": "4351165aa6cf7eb5cc1eb9516387a43ed1b87f24c311322836fe2be9b13af9a5",
		},
		recipe.Interleaved: {
			"mixed/test_mixed.jsonl":  "f22e04e9cc6f2399eb02b3913c9415dac8d87d2b9ed577c3df6ebad4568f6c74",
			"mixed/train_mixed.jsonl": "afa0f40c14bf09547932bb6fa4d5255ff6e8fc20f31661318426dd0b368ec9b6",
		},
	} {
		want := map[string]string{
			"processed/facts/test.jsonl":     "903729030dbc064de73681cdc54a8fe6f701a91acdbff206120b26ea9be686cf",
			"processed/facts/train.jsonl":    "063d0eaf2d1e0d14283bf990c86de8bd0cf89f7614efb24ec2b33e32574357dc",
			"processed/products/test.jsonl":  "fd56585cacf15534c5f80ae1785b4f50167ebc344490343b5367653480b0551b",
			"processed/products/train.jsonl": "2b775a62727ab244d39efd68e61cd4bd2bb8eced115851fc837cc71b009f620d",
			"processed/sums/test.jsonl":      "00c1ca42e9e311353fa972c0948d72a7ff7f5366e2514dc2a4904dc55dc995c1",
			"processed/sums/train.jsonl":     "11a4ac6021259cf14414a590913b18b109d2c344ff327e82da04750aa628a7f3",
			"raw/math/products.jsonl":        "878a73e55905d98d6532b7cd9fff2a383d0891c635133bc734c35336b9d54c5b",
			"raw/math/sums.jsonl":            "0cb5c2fc6afdf0cd08aa4e6fae170be2f415174b9eaa2050c265401ff7cf9f19",
			"raw/qa/facts.jsonl":             "6d2f26b3d7993f79ac78663859a431c7a2ee39b7e621b1714fb5d995479b8dca",
			"test/facts_test.jsonl":          "903729030dbc064de73681cdc54a8fe6f701a91acdbff206120b26ea9be686cf",
			"test/products_test.jsonl":       "fd56585cacf15534c5f80ae1785b4f50167ebc344490343b5367653480b0551b",
			"test/sums_test.jsonl":           "00c1ca42e9e311353fa972c0948d72a7ff7f5366e2514dc2a4904dc55dc995c1",
		}
		maps.Copy(want, mixed)
		t.Run(string(order), func(t *testing.T) {
			if diff := cmp.Diff(want, golden(t, order, recipe.CompareBytes)); diff != "" {
				t.Errorf("bytes differ (-want +got):\n%s", diff)
			}
		})
	}
}

// The same of a recipe that compares questions by their form. The files of all rows are those of above: rows are what they were.
func TestGoldenBytesByForm(t *testing.T) {
	want := map[string]string{
		"mixed/test_mixed.jsonl":         "b5d0583b76c9c69a90abecb38a8aa6648ccf50014fae0c3f78bccb33934a9721",
		"mixed/train_mixed.jsonl":        "3317275ed40db81b4b93874c9a467e2162bf2750aa298ce71b3e2238ca5ce401",
		"processed/facts/test.jsonl":     "0a9ac77a90810ae6ed9a5faaefe4dd285908d90c758f520b63d7c4bc73863da3",
		"processed/facts/train.jsonl":    "7ea5b20ad6fad7f0514c16885efb0882f0d82d18650ea139d5aa9930d953b126",
		"processed/products/test.jsonl":  "7b39971194a4a24de048770734fe93c880190ae90d7e2bea8844b4abd19927d3",
		"processed/products/train.jsonl": "9a7a3bac7a90b9b7bf56f3a20a6066113e4a9fa2e83ff93eeda7f76695af9e0f",
		"processed/sums/test.jsonl":      "5ca30d38e3153802b069b87d4773a91660819cca6e666003767f5cbccecee7f9",
		"processed/sums/train.jsonl":     "7fb6ee52af4378005d17a3eefb3a969b3652b6ecb7f9efef15602427c89824e0",
		"raw/math/products.jsonl":        "878a73e55905d98d6532b7cd9fff2a383d0891c635133bc734c35336b9d54c5b",
		"raw/math/sums.jsonl":            "0cb5c2fc6afdf0cd08aa4e6fae170be2f415174b9eaa2050c265401ff7cf9f19",
		"raw/qa/facts.jsonl":             "6d2f26b3d7993f79ac78663859a431c7a2ee39b7e621b1714fb5d995479b8dca",
		"test/facts_test.jsonl":          "0a9ac77a90810ae6ed9a5faaefe4dd285908d90c758f520b63d7c4bc73863da3",
		"test/products_test.jsonl":       "7b39971194a4a24de048770734fe93c880190ae90d7e2bea8844b4abd19927d3",
		"test/sums_test.jsonl":           "5ca30d38e3153802b069b87d4773a91660819cca6e666003767f5cbccecee7f9",
	}
	if diff := cmp.Diff(want, golden(t, recipe.Shuffled, recipe.CompareQuestionV1)); diff != "" {
		t.Errorf("bytes differ (-want +got):\n%s", diff)
	}
}

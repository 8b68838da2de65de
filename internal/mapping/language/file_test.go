package language

import (
	"testing"

	"github.com/datasetmix/datasetmix/internal/record"
)

// TestFile: what the variable file says for paths of every kind of source.
func TestFile(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"a.jsonl", `{"folders":{},"name":"a.jsonl","path":"a.jsonl"}`},
		{"lang=de/a.jsonl", `{"folders":{"lang":"de"},"name":"a.jsonl","path":"lang=de/a.jsonl"}`},
		{"data/lang=pt-BR/year=2024/part-0.parquet", `{"folders":{"lang":"pt-BR","year":"2024"},"name":"part-0.parquet","path":"data/lang=pt-BR/year=2024/part-0.parquet"}`},
		{"https://example.org/x/lang=fr/a.jsonl", `{"folders":{"lang":"fr"},"name":"a.jsonl","path":"https://example.org/x/lang=fr/a.jsonl"}`},
		{"city=S%C3%A3o%20Paulo/a", `{"folders":{"city":"São Paulo"},"name":"a","path":"city=S%C3%A3o%20Paulo/a"}`},
		{"a%3Db=c%2Fd/a", `{"folders":{"a=b":"c/d"},"name":"a","path":"a%3Db=c%2Fd/a"}`},
		{"share=100%/a", `{"folders":{"share":"100%"},"name":"a","path":"share=100%/a"}`},
		{"formula=a=b/a", `{"folders":{"formula":"a=b"},"name":"a","path":"formula=a=b/a"}`},
		{"lang=/=de/lang=x/a", `{"folders":{"lang":"x"},"name":"a","path":"lang=/=de/lang=x/a"}`},
		{"lang=__HIVE_DEFAULT_PARTITION__/a", `{"folders":{},"name":"a","path":"lang=__HIVE_DEFAULT_PARTITION__/a"}`},
		{"folder/lang=de.jsonl", `{"folders":{},"name":"lang=de.jsonl","path":"folder/lang=de.jsonl"}`},
	} {
		native, err := Native(fileOf(c.path).value)
		if err != nil {
			t.Fatal(err)
		}
		if got := record.ValueOf(native); string(got) != c.want {
			t.Errorf("%s: %s\nwant %s", c.path, got, c.want)
		}
	}
}

package choose

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
)

func TestWithoutMarkers(t *testing.T) {
	for _, c := range []struct {
		name  string
		Paths string
		want  string
		table string
	}{
		{"what Spark writes beside its files", "_SUCCESS ._SUCCESS.crc _metadata _common_metadata part-0.parquet .part-0.parquet.crc", "part-0.parquet", ""},
		{"what Databricks writes", "_committed_12 _started_12 part-0-tid-12.c000.json", "part-0-tid-12.c000.json", ""},
		{"checksums with the names of their files", "a.jsonl a.jsonl.crc", "a.jsonl", ""},
		{"what is written still", "_temporary/0/part-1.csv lang=en/part-0.csv", "lang=en/part-0.csv", ""},
		{"what desktops leave", ".DS_Store a/.DS_Store a/b.csv", "a/b.csv", ""},
		{"a name with an underscore inside", "a_b/c_d.csv", "a_b/c_d.csv", ""},
		{"a Delta table", "t/_delta_log/000.json t/part-0.parquet", "", "Delta"},
		{"a Hudi table", ".hoodie a.parquet", "", "Hudi"},
		{"an Iceberg table", "t/data/0.parquet t/metadata/v1.metadata.json t/metadata/snap-1.avro", "", "Iceberg"},
		{"a folder that is called metadata", "metadata/a.json", "metadata/a.json", ""},
	} {
		got, err := withoutMarkers(strings.Fields(c.Paths), "claim c")
		if c.table != "" {
			if contract.ReasonOf(err) != contract.InvalidData || !strings.Contains(err.Error(), "Claim c has a "+c.table+" table") {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, diff)
		}
	}
}

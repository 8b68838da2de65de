package hub

import (
	"net/http"
	"testing"
)

func TestNextPage(t *testing.T) {
	for _, tc := range []struct {
		links []string
		want  string
	}{
		{nil, ""},
		{[]string{`<https://hub/x?cursor=a%3D&limit=3>; rel="next"`}, "cursor=a%3D&limit=3"},
		{[]string{`<https://hub/x?cursor=b>; rel="prev", </x?cursor=c>; rel="next"`}, "cursor=c"},
		{[]string{`<https://hub/x?cursor=b>; rel="prev"`, `<https://hub/x?cursor=c>; rel="next"`}, "cursor=c"},
		{[]string{`<https://hub/x>; rel="next"`}, ""},
		{[]string{`<:>; rel="next"`}, ""},
	} {
		if got := nextPage(http.Header{"Link": tc.links}); got != tc.want {
			t.Errorf("%q leads to %q, want %q", tc.links, got, tc.want)
		}
	}
}

func TestFormatOf(t *testing.T) {
	for path, want := range map[string]string{
		"a.parquet": ".parquet", "a.JSONL.GZ": ".jsonl", "a.ndjson.zst": ".jsonl", "a.json": ".json", "a/b.csv": ".csv",
		"README.md": "", "a": "", "a.gz": "", ".parquet/x": "",
	} {
		if got := formatOf(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

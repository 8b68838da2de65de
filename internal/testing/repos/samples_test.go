package repos

import (
	"bytes"
	"encoding/csv"
	"testing"
)

// TestSampleFiles: the numbers that the comment promises, and the same bytes each time.
func TestSampleFiles(t *testing.T) {
	files, again := SampleFiles(), SampleFiles()
	for path, content := range files {
		if !bytes.Equal(content, again[path]) {
			t.Errorf("%s has other bytes the second time", path)
		}
	}
	for path, want := range map[string]int{"hotpotqa/train.jsonl": 2000, "exams.jsonl": 10} {
		if got := bytes.Count(files[path], []byte("\n")); got != want {
			t.Errorf("%s has %d rows, want %d", path, got, want)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(files["tickets.csv"])).ReadAll()
	english, resolved := 0, 0
	for _, row := range rows[1:] {
		if row[3] == "en" {
			english++
			if row[2] != "" {
				resolved++
			}
		}
	}
	if err != nil || len(rows) != 401 || english != 300 || resolved != 270 {
		t.Errorf("%d rows of tickets, %d in English and %d of them resolved: %v", len(rows)-1, english, resolved, err)
	}
}

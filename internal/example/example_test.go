package example

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestFiles: the rows that the tutorials count, no question twice, and the same bytes each time.
func TestFiles(t *testing.T) {
	want := map[string]int{"arithmetic.jsonl": 240, "capitals.jsonl": 80, "functions.jsonl": 60}
	again := Files()
	for i, file := range Files() {
		if !bytes.Equal(file.Content, again[i].Content) {
			t.Errorf("%s differs from one call to the next", file.Name)
		}
		if file.Name == Manifest {
			continue
		}
		seen, rows := map[string]bool{}, 0
		for line := range bytes.Lines(file.Content) {
			var row struct{ Question, Country, Task string }
			if err := json.Unmarshal(line, &row); err != nil {
				t.Fatalf("%s: %v", file.Name, err)
			}
			key := row.Question + row.Country + row.Task
			if key == "" || seen[key] {
				t.Errorf("%s: %q is empty or there twice", file.Name, key)
			}
			seen[key] = true
			rows++
		}
		if rows != want[file.Name] {
			t.Errorf("%s has %d rows, want %d", file.Name, rows, want[file.Name])
		}
	}
}

package encode

import (
	"bytes"
	"testing"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// FuzzRows reads any bytes in every format: lines or an error, never a panic, and the same again.
func FuzzRows(f *testing.F) {
	for i, format := range formats {
		f.Add(byte(i), write(f, format, nil))
		f.Add(byte(i), write(f, format, special()[:4]))
		f.Add(byte(i), []byte("PAR1\x00\x00\x00\x00PAR1"))
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		format := formats[int(which)%len(formats)]
		lines, err := read(t, format, data)
		for _, line := range lines {
			if checkLine([]byte(line)) != nil {
				t.Fatalf("%q is no line", line)
			}
		}
		again, errAgain := read(t, format, data)
		if sameLines(t, again, lines); (err == nil) != (errAgain == nil) {
			t.Fatalf("%v, then %v", err, errAgain)
		}
		if format == recipe.Parquet && err == nil { // Whoever wrote it, its rows are those of a file of ours.
			got, err := read(t, format, write(t, format, lines))
			if sameLines(t, got, lines); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzRoundTrip writes any two records and reads them back.
//
//fuzz:brief FuzzRows begins with the other half
func FuzzRoundTrip(f *testing.F) {
	f.Add("a_0", "a", "d", "question", "answer", "text", "key", "value")
	f.Add("", "\x00", "\xff", "\n\"\\", "{}}", `"metadata":{}}`, "\u2028", "😀")
	f.Fuzz(func(t *testing.T, id, dataset, domain, question, answer, kind, key, value string) {
		quoted := (&record.Record{ID: value}).AppendJSON(nil)
		text := record.JSON(quoted[len(`{"id":`):bytes.Index(quoted, []byte(`,"dataset":`))])
		lines := []string{
			lineOf(record.Record{ID: id, Dataset: dataset, Domain: domain, Question: question, ReferenceAnswer: answer, AnswerType: kind, Metadata: []record.Entry{{Key: key, Value: text}}}),
			lineOf(record.Record{ID: value, Question: key, Domain: answer}),
		}
		if _, err := record.Parse([]byte(lines[0][:len(lines[0])-1])); err != nil {
			t.Skip() // The value had the name of the next member in it.
		}
		for _, format := range formats {
			got, err := read(t, format, write(t, format, lines))
			if err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			sameLines(t, got, lines)
		}
	})
}

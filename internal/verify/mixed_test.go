package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// What a file's writer reports of each data set is compared, units only where the rows' own are known.
func TestReports(t *testing.T) {
	for what, c := range map[string]struct {
		unit    recipe.ShareUnit
		counted bool
		got     recipe.MixedDataset
		want    string
	}{
		"all as it is":                       {recipe.InBytes, true, recipe.MixedDataset{Unique: 3, MaxRepeats: 2, Units: 70}, ""},
		"other units":                        {recipe.InTokens, true, recipe.MixedDataset{Unique: 3, MaxRepeats: 2, Units: 71}, "71 units, and its rows are 3 unique rows, the most frequent 2 times, 70 units"},
		"other units that nobody counted":    {recipe.InTokens, false, recipe.MixedDataset{Unique: 3, MaxRepeats: 2, Units: 71}, ""},
		"other repeats that nobody measured": {recipe.InTokens, false, recipe.MixedDataset{Unique: 3, MaxRepeats: 3, Units: 70}, "data set sums"},
		"units where rows are the measure":   {recipe.InRows, false, recipe.MixedDataset{Unique: 3, MaxRepeats: 2, Units: 71}, "71 units"},
	} {
		t.Run(what, func(t *testing.T) {
			v := &verifier{counted: c.counted, datasets: []*dataset{{name: "sums"}}}
			v.manifest.Recipe.Unit = c.unit
			check := mixCheck{verifier: v, file: "mixed/train_mixed.jsonl", uses: []recipe.MixedDataset{{Unique: 3, MaxRepeats: 2}}, units: []int64{70}}
			check.result.Datasets = []recipe.MixedDataset{c.got}
			err := check.reports()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the message is %v, want %q in it", err, c.want)
			}
		})
	}
}

// A packed file is hashed first, then unpacked; its rows come without their line ends, with the offset among them.
func TestPackedRows(t *testing.T) {
	for _, format := range []recipe.Format{recipe.JSONLZstd, recipe.JSONLGzip, recipe.Parquet} {
		t.Run(string(format), func(t *testing.T) {
			var packed bytes.Buffer
			w, err := encode.NewWriter(&packed, format)
			if err != nil {
				t.Fatal(err)
			}
			const rows = 9000
			for range rows {
				if err := w.WriteRow([]byte(plain + "\n")); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			v := verifier{context: ctx, folder: t.TempDir()}
			if err := os.WriteFile(filepath.Join(v.folder, "f"), packed.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(packed.Bytes())
			file := contract.PublishedFile{Path: "f", Bytes: int64(packed.Len()), SHA256: hex.EncodeToString(sum[:])}
			n := int64(0)
			each := func(offset int64, line []byte) error {
				if string(line) != plain || offset != n*int64(len(plain)+1) {
					t.Fatalf("row %d at %d: %s", n, offset, line)
				}
				n++
				return nil
			}
			if err := v.packed(file, format, each); err != nil || n != rows {
				t.Errorf("%d rows, %v", n, err)
			}
			if err := v.packed(file, format, func(int64, []byte) error { return errFound }); !errors.Is(err, errFound) {
				t.Errorf("the error of a row came back as %v", err)
			}
			if err := v.packed(file, format, func(int64, []byte) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("after the end of the context: %v", err)
			}
			v.context = context.Background()
			if err := v.packed(contract.PublishedFile{Path: "f", Bytes: file.Bytes, SHA256: "0"}, format, nil); err == nil || !strings.Contains(err.Error(), "was changed") {
				t.Errorf("another digest: %v", err)
			}
			if err := v.packed(contract.PublishedFile{Path: "g"}, format, nil); contract.ReasonOf(err) != contract.VolumeInvalid {
				t.Errorf("no file: %v", err)
			}
			other := recipe.JSONLZstd
			if format == other {
				other = recipe.Parquet
			}
			if err := v.packed(file, other, each); err == nil || !strings.Contains(err.Error(), "f, row 1") {
				t.Errorf("another format: %v", err)
			}
		})
	}
}

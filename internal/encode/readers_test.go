package encode

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// TestOtherProgramsReadTheRows lets whichever of the usual programs are here unpack a file.
func TestOtherProgramsReadTheRows(t *testing.T) {
	lines := append(special(), corpus(4000)...)
	for _, c := range []struct {
		format  recipe.Format
		program []string
	}{
		{recipe.JSONLZstd, []string{"zstd", "-dc"}},
		{recipe.JSONLGzip, []string{"gzip", "-dc"}},
		{recipe.JSONLGzip, []string{"zcat"}},
		{recipe.JSONLGzip, []string{"python3", "-c", "import gzip, shutil, sys; shutil.copyfileobj(gzip.open(sys.argv[1]), sys.stdout.buffer)"}},
		// What a reader does that stops at the end of the first member, as some do.
		{recipe.JSONLGzip, []string{"python3", "-c", "import sys, zlib; sys.stdout.buffer.write(zlib.decompressobj(31).decompress(open(sys.argv[1], 'rb').read()))"}},
	} {
		t.Run(string(c.format)+" "+c.program[0], func(t *testing.T) {
			if _, err := exec.LookPath(c.program[0]); err != nil {
				t.Skipf("%s is not here", c.program[0])
			}
			for _, rows := range [][]string{nil, lines[:1], lines} {
				name := filepath.Join(t.TempDir(), "rows"+c.format.Extension())
				if err := os.WriteFile(name, write(t, c.format, rows), 0o600); err != nil {
					t.Fatal(err)
				}
				var said bytes.Buffer
				command := exec.Command(c.program[0], append(c.program[1:], name)...)
				command.Stderr = &said
				got, err := command.Output()
				if err != nil {
					t.Fatalf("%v: %s", err, said.String())
				}
				if string(got) != strings.Join(rows, "") {
					t.Errorf("%d rows come out as %d bytes", len(rows), len(got))
				}
			}
		})
	}
}

// TestAFileIsASourceAgain reads every format as the data set of another mix.
func TestAFileIsASourceAgain(t *testing.T) {
	lines := slices.Concat(special()[1:], corpus(500))
	every(t, func(t *testing.T, format recipe.Format) {
		file := write(t, format, lines)
		n := 0
		for row, err := range decode.Rows(context.Background(), decode.File{Name: "again", Data: bytes.NewReader(file), Size: int64(len(file))},
			decoded.Required("id", "question", "reference_answer", "answer_type", "metadata")) {
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				ID              string `json:"id"`
				Question        string `json:"question"`
				ReferenceAnswer string `json:"reference_answer"`
				AnswerType      string `json:"answer_type"`
			}
			if err := json.Unmarshal([]byte(lines[n]), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{want.ID, want.Question, want.ReferenceAnswer, want.AnswerType}, row.Values[:4]); diff != "" {
				t.Fatal(diff)
			}
			if metadata, ok := row.Values[4].(string); ok != (format == recipe.Parquet) || ok && !strings.HasSuffix(lines[n], `,"metadata":`+metadata+"}\n") {
				t.Fatalf("the metadata is %v", row.Values[4])
			}
			n++
		}
		if n != len(lines) {
			t.Errorf("%d rows, not %d", n, len(lines))
		}
	})
}

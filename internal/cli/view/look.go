package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/look"
)

// longestValue is how many characters of a value are shown.
const longestValue = 160

// Look writes what was seen of a data set. preset is the preset of its record; empty for a record of expressions.
func Look(out io.Writer, seen look.Dataset, preset string) {
	at := seen.Source
	if seen.Revision != "" && !strings.Contains(at, seen.Revision) {
		at += ", which is " + seen.Revision
	}
	fmt.Fprintf(out, "%s/%s: %s\n", seen.Domain, seen.Name, contract.Clean(at, 0))
	if seen.Files == 0 && seen.Problem != "" {
		fmt.Fprintf(out, "  cannot be looked at: %s\n", contract.Clean(seen.Problem, 0))
		return
	}
	first := "the first "
	if seen.Whole {
		first = "all "
	}
	English.Fprintf(out, "  looked at %s%d rows of %s: %d kept%s\n", first, seen.Read, counted(seen.Files, "file"), seen.Kept, license(seen.License))
	for _, drop := range seen.Dropped {
		switch {
		case drop.First == "":
			English.Fprintf(out, "  %d left out by %s\n", drop.Rows, drop.Reason)
		case drop.Fails:
			English.Fprintf(out, "  %d bad (%s), and a build ends at the first: %s\n", drop.Rows, drop.Reason, contract.Clean(drop.First, 0))
		default:
			English.Fprintf(out, "  %d skipped (%s), the first: %s\n", drop.Rows, drop.Reason, contract.Clean(drop.First, 0))
		}
	}
	if seen.Problem != "" {
		fmt.Fprintf(out, "  cannot be read on: %s\n", contract.Clean(seen.Problem, 0))
	}
	hints(out, seen, preset)
	for _, row := range seen.Rows {
		fmt.Fprintln(out)
		published(out, row)
	}
}

// counted returns "1 file", "2 files".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return English.Sprintf("%d %ss", n, noun)
}

func license(name string) string {
	if name == "" {
		return ""
	}
	return "; license " + contract.Clean(name, 100)
}

// hints writes the names that may be mistyped, and a preset that fits the rows.
func hints(out io.Writer, seen look.Dataset, preset string) {
	lacking := false
	for _, missing := range seen.Missing {
		fmt.Fprintf(out, "  no row has the member %q", contract.Clean(missing.Name, 100))
		if missing.Near != "" {
			fmt.Fprintf(out, "; did you mean %s?", contract.Clean(missing.Near, 100))
		}
		lacking = lacking || missing.Near == ""
		fmt.Fprintln(out)
	}
	if lacking {
		fmt.Fprintf(out, "  members of the rows: %s\n", contract.Clean(strings.Join(seen.Members, ", "), 400))
	}
	if len(seen.Presets) > 0 && seen.Presets[0] != preset && preset == "" {
		fmt.Fprintf(out, "  the rows fit a preset: record: {preset: %s}\n", seen.Presets[0])
	} else if len(seen.Presets) > 0 && seen.Kept == 0 && seen.Presets[0] != preset {
		fmt.Fprintf(out, "  the rows fit another preset: record: {preset: %s}\n", seen.Presets[0])
	}
}

// published writes a row member by member, long values cut.
func published(out io.Writer, row json.RawMessage) {
	decoder := json.NewDecoder(bytes.NewReader(row))
	if _, err := decoder.Token(); err != nil {
		return
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return
		}
		fmt.Fprintf(out, "    %-17s %s\n", contract.Clean(fmt.Sprint(name), 60), contract.Clean(string(value), longestValue))
	}
}

package stage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// leftOut writes the list of a data set's rows that are in no split, counts them by reason, and keeps the texts of the first bad ones.
type leftOut struct {
	staging *store.Staging
	out     *filewriter.Writer // nil while there is none
	counts  map[string]int64
	named   []string
	room    int // bytes that are left for named
	line    bytes.Buffer
}

// Bounds of the bad rows that a result names. A result has to fit into a termination message as JSON, whatever the script of
// the rows, so fewer are named where they take more room.
const (
	namedRows  = 8
	namedChars = 200
	namedBytes = 2400
)

func newLeftOut(staging *store.Staging) *leftOut { return &leftOut{staging: staging, room: namedBytes} }

// add adds a row; rows come in the order of the source. Without rows there is no map, as in a result that was read back, and no file.
func (l *leftOut) add(row revision.DroppedSourceRow) error {
	if l.out == nil {
		out, err := createFile(l.staging, droppedName)
		if err != nil {
			return err
		}
		l.out, l.counts = out, map[string]int64{}
	}
	l.counts[row.Reason]++
	if row.Message != "" {
		l.name(row)
	}
	l.line.Reset()
	encoder := json.NewEncoder(&l.line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(row); err != nil {
		return err
	}
	_, err := l.out.Write(l.line.Bytes())
	return err
}

// name keeps the text of a bad row. Files are named by their numbers: what a file is called is in no key, so it may not be in
// a result either.
func (l *leftOut) name(row revision.DroppedSourceRow) {
	if len(l.named) == namedRows {
		return
	}
	text := []rune(fmt.Sprintf("file %d, %s: %s", row.File, row.Place, row.Message))
	if len(text) > namedChars {
		text = append(text[:namedChars-1], '…')
	}
	encoded, err := json.Marshal(string(text))
	if err != nil || len(encoded) > l.room {
		l.room = 0 // the first ones are named, without gaps
		return
	}
	l.room -= len(encoded)
	l.named = append(l.named, string(text))
}

// finish completes the list, and notes it among the unit's files. Without rows there is none.
func (l *leftOut) finish(files digests) (err error) {
	if l.out != nil {
		files[droppedName], err = l.out.Finish()
	}
	return err
}

func (l *leftOut) abort() {
	if l.out != nil {
		l.out.Abort()
	}
}

// summary returns how many rows are left out, and why.
func (l *leftOut) summary() string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(l.counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", l.counts[reason], reason))
	}
	text := strings.Join(parts, ", ")
	if len(l.named) > 0 {
		text += "; the first bad row is " + l.named[0]
	}
	return text
}

package encode

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	kzstd "github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/record"
)

const (
	// groupBytes is how many bytes of lines a row group has at most; a longer row has one to itself. The writer holds the
	// packed pages of a group, and readers work on whole groups, side by side.
	groupBytes = 32 << 20
	// pageBytes is the size from which on a page is closed.
	pageBytes = 1 << 20
	// pageWindow is above the size of nearly every page.
	pageWindow = 2 << 20
	// createdBy has the form that the Parquet project asks for, and no version of a library: that is no part of the rows.
	createdBy = "datasetmix version 1.0.0 (build encode/v1)"

	parquetMagic = "PAR1"
	// parquetTail is the length of the footer, in 4 bytes, and the magic.
	parquetTail = 8
)

// row is the schema: required UTF-8 strings all. The metadata is the text of a JSON object under the type of a string, not
// the JSON type of Parquet, which Arrow turns into an extension type that pandas and Hugging Face datasets do not take for
// text. DuckDB reads members of such a string with metadata->>'source' as well.
type row struct {
	ID              string `parquet:"id"`
	Dataset         string `parquet:"dataset,dict"`
	Domain          string `parquet:"domain,dict"`
	Question        string `parquet:"question"`
	ReferenceAnswer string `parquet:"reference_answer"`
	AnswerType      string `parquet:"answer_type,dict"`
	Metadata        string `parquet:"metadata"`
}

// columns are the names of row's, in their order.
var columns = []string{"id", "dataset", "domain", "question", "reference_answer", "answer_type", "metadata"}

// emptyMetadata is how a line without metadata ends.
const emptyMetadata = "{}}"

// pageCodec packs pages as parquet-go's own codec does, with a window of the size of a page: its buffer of history has a quarter
// of the size.
type pageCodec struct {
	zstd.Codec
	encoder *kzstd.Encoder
}

func (c *pageCodec) Encode(dst, src []byte) ([]byte, error) {
	return c.encoder.EncodeAll(src, dst[:0]), nil
}

// members is the schema of rows that keep members of their sources: row's columns, and behind them one for each member.
type members struct {
	parquet.Group

	names []string
}

// Fields returns the fields in the order of the names, which a Group does not have.
func (m members) Fields() []parquet.Field {
	fields := m.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int { return slices.Index(m.names, a.Name()) - slices.Index(m.names, b.Name()) })
	return fields
}

// schemaOf returns the schema of rows that keep members with these names. A member is the text of JSON, as it is in a row, and null where
// a row has none.
func schemaOf(kept []string) *parquet.Schema {
	plain := parquet.SchemaOf(row{})
	if len(kept) == 0 {
		return plain
	}
	m := members{parquet.Group{}, slices.Concat(columns, kept)}
	for _, field := range plain.Fields() {
		m.Group[field.Name()] = field
	}
	for _, name := range kept {
		m.Group[name] = parquet.Optional(parquet.String())
	}
	return parquet.NewSchema(plain.Name(), m)
}

type parquetWriter struct {
	parquet *parquet.GenericWriter[any]
	kept    []string
	rows    [1]parquet.Row
	group   int // bytes of lines in the row group
	bare    []byte
	err     error
}

func newParquetWriter(w io.Writer, kept []string) *parquetWriter {
	encoder, err := kzstd.NewWriter(nil, kzstd.WithEncoderLevel(kzstd.SpeedDefault), kzstd.WithWindowSize(pageWindow),
		kzstd.WithEncoderConcurrency(1), kzstd.WithEncoderCRC(false))
	return &parquetWriter{err: err, kept: kept, parquet: parquet.NewGenericWriter[any](w,
		schemaOf(kept),
		&parquet.WriterConfig{CreatedBy: createdBy},
		parquet.Compression(&pageCodec{encoder: encoder}),
		parquet.PageBufferSize(pageBytes),
		parquet.DataPageVersion(1), // which every reader knows; there are no levels that version 2 would keep apart
		parquet.DataPageStatistics(false))}
}

// WriteRow parses the line again: the caller has it as text, ready for the other formats.
func (w *parquetWriter) WriteRow(line []byte) error {
	if w.err == nil {
		w.err = w.write(line)
	}
	return w.err
}

func (w *parquetWriter) write(line []byte) error {
	if err := checkLine(line); err != nil {
		return err
	}
	r, err := parse(line[:len(line)-1])
	if err != nil {
		return err
	}
	if w.group > 0 && w.group+len(line) > groupBytes {
		if err := w.parquet.Flush(); err != nil {
			return err
		}
		w.group = 0
	}
	w.group += len(line)
	if err := w.columnsOf(r); err != nil {
		return err
	}
	_, err = w.parquet.WriteRows(w.rows[:])
	return err
}

// columnsOf fills the row of values.
func (w *parquetWriter) columnsOf(r record.Record) error {
	to := w.rows[0][:0]
	for _, text := range []string{r.ID, r.Dataset, r.Domain, r.Question, r.ReferenceAnswer, r.AnswerType} {
		to = append(to, parquet.ValueOf(text).Level(0, 0, len(to)))
	}
	w.bare = r.AppendMetadata(w.bare[:0])
	to = append(to, parquet.ByteArrayValue(w.bare).Level(0, 0, len(to)))
	for _, name := range w.kept {
		value := parquet.NullValue().Level(0, 0, len(to))
		if len(r.Kept) > 0 && r.Kept[0].Key == name {
			value = parquet.ValueOf(string(r.Kept[0].Value)).Level(0, 1, len(to))
			r.Kept = r.Kept[1:]
		}
		to = append(to, value)
	}
	if w.rows[0] = to; len(r.Kept) > 0 {
		return fmt.Errorf("the row keeps the member %q, which is not a column of the file", r.Kept[0].Key)
	}
	return nil
}

func (w *parquetWriter) Close() error {
	if w.err != nil {
		return w.err
	}
	if err := w.parquet.Close(); err != nil {
		w.err = err
		return err
	}
	w.err = errClosed
	return nil
}

// parquetRows puts the lines together again. A record that is not in the published form, such as one whose metadata has a
// space, has no line that it could have been.
func parquetRows(r io.ReaderAt, size int64, yield func([]byte, error) bool) error {
	rows, kept, err := checkParquet(r, size)
	if err != nil || rows == 0 {
		return err
	}
	var line []byte
	for read, err := range decode.Rows(context.Background(), decode.File{Data: r, Size: size, Own: true}, append(decoded.Required(columns...), decoded.Optional(kept...)...)) {
		if err != nil {
			return bare(err)
		}
		if line, err = appendLine(line[:0], read.Values, kept); err != nil {
			return err
		}
		if !yield(line, nil) {
			return errStopped
		}
	}
	return nil
}

func appendLine(line []byte, values []any, kept []string) ([]byte, error) {
	var text [7]string
	for i := range columns {
		s, ok := values[i].(string)
		if !ok {
			return nil, fmt.Errorf("column %q holds no text", columns[i])
		}
		text[i] = s
	}
	r := record.Record{ID: text[0], Dataset: text[1], Domain: text[2], Question: text[3], ReferenceAnswer: text[4], AnswerType: text[5]}
	line = r.AppendJSON(line)
	line = append(line[:len(line)-len(emptyMetadata)], text[6]...)
	for i, name := range kept {
		switch value := values[len(columns)+i].(type) {
		case nil:
		case string:
			line = append(append(append(append(line, ','), record.StringOf(name)...), ':'), value...)
		default:
			return nil, fmt.Errorf("column %q holds no text", name)
		}
	}
	line = append(line, '}')
	if _, err := parse(line); err != nil {
		return nil, err
	}
	line = append(line, '\n')
	if len(line) > MaxRow {
		return nil, tooLong(len(line))
	}
	return line, nil
}

// parse reads a line. Only the caller knows what a wrong line means.
func parse(line []byte) (record.Record, error) {
	r, err := record.Parse(line)
	if err != nil {
		return r, errors.New(err.Error()) // without its reason
	}
	return r, nil
}

// bare returns an error of internal/decode without the place and the reason that it put before it.
func bare(err error) error {
	var failure *contract.Failure
	var bad *decoded.BadRow
	switch {
	case errors.As(err, &bad):
		return bad.Err
	case errors.As(err, &failure) && failure.Err != nil:
		return failure.Err
	}
	return err
}

// checkParquet opens a file, compares its columns with those that are written, and counts its rows by its footer. kept are the columns of
// members that rows keep.
func checkParquet(r io.ReaderAt, size int64) (rows int64, kept []string, err error) {
	if err := checkFooter(r, size); err != nil {
		return 0, nil, err
	}
	defer func() {
		if p := recover(); p != nil { // which damaged input can cause in the library
			err = fmt.Errorf("its Parquet footer is damaged: %v", p)
		}
	}()
	file, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return 0, nil, fmt.Errorf("its Parquet footer is damaged: %w", err)
	}
	if kept = keptColumns(file.Schema()); !parquet.EqualNodes(file.Schema(), schemaOf(kept)) {
		return 0, nil, errors.New("its columns are not those of a mixed file")
	}
	for _, group := range file.Metadata().RowGroups {
		for _, column := range group.Columns {
			// Files written here have one codec; another means damage or another writer.
			if column.MetaData.Codec != format.Zstd {
				return 0, nil, fmt.Errorf("column %v is packed with %s, not with zstd", column.MetaData.PathInSchema, column.MetaData.Codec)
			}
		}
		rows += group.NumRows
	}
	if rows != file.NumRows() {
		return 0, nil, fmt.Errorf("the footer counts %d rows, and %d in the row groups", file.NumRows(), rows)
	}
	return rows, kept, nil
}

// keptColumns returns the columns of a file beyond row's, if they can be members that rows keep.
func keptColumns(schema *parquet.Schema) (kept []string) {
	for _, field := range schema.Fields() {
		if !slices.Contains(columns, field.Name()) {
			kept = append(kept, field.Name())
		}
	}
	if !slices.IsSorted(kept) {
		return nil
	}
	return kept
}

// checkFooter finds a file that was cut short before the library does, which would allocate what a false length says.
func checkFooter(r io.ReaderAt, size int64) error {
	var tail [parquetTail]byte
	if size < int64(len(parquetMagic))+parquetTail {
		return errors.New("it is cut short: it has no Parquet footer")
	}
	if _, err := r.ReadAt(tail[:], size-parquetTail); err != nil && err != io.EOF {
		return err
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if string(tail[4:]) != parquetMagic || length > size-parquetTail-int64(len(parquetMagic)) {
		return errors.New("it does not end with a Parquet footer")
	}
	return nil
}

package encode

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Field is a column of a table, or a struct of columns. Every value is there: a table has no nulls.
type Field struct {
	Name string
	// Integer marks a leaf of 64-bit integers; others hold UTF-8 text.
	Integer bool
	// List means that each row has a list of such structs, of at least one. Only a field with Fields can be a list, and no field below it.
	List bool
	// Same is the path of a leaf before this one, with dots: this leaf has the same text in every row, and gets none.
	Same string
	// Own means that most rows that are not repeated have distinct texts: none is looked up in the dictionary, which may then have a text twice.
	Own bool
	// Fields of a struct; nil for a leaf.
	Fields []Field
}

// Table writes a table as Parquet with a schema that is given, not found in the rows, or compares one with a file. Rows come leaf by
// leaf, in the depth-first order of the fields; a leaf of a list gets one value for each element. After an error, all rows are refused.
//
// Each column of a row group is a dictionary page and a page of indices (integers: one plain page), so a row that a mix repeats costs a
// few bits. The bytes of the pages before they are packed follow from the rows alone, and so CheckTable compares without packing: a
// file that another version of the compressor packed is as right as one of this version.
type Table struct {
	fields []Field
	leaves []*leaf
	pages  pages
	at     int64    // where the next page begins
	size   int      // bytes of texts in the row
	sizes  []uint32 // of the rows in the row group
	group  int      // their sum
	held   int      // of these, bytes in the dictionaries
	rows   int64    // in the row group
	footer format.FileMetaData
	err    error
}

// pages receives the pages of a file in their order.
type pages interface {
	// magic receives the four bytes with which a file begins and ends.
	magic() error
	// page receives a page, whose header lacks the packed size, and returns the lengths of its header and of its packed bytes. Where
	// the page comes again in another column, again holds how it was packed.
	page(header format.PageHeader, content []byte, again *[]byte) (head, packed int, err error)
	// footer receives the footer followed by its length; only the magic follows.
	footer(encoded []byte) error
}

// A row group is closed once its dictionaries, or all its values, repeated ones included, have so many bytes: a trainer that reads groups in
// turn holds one of them.
const (
	tableDictionaries = 8 << 20
	tableValues       = 32 << 20
)

// maxTableRow is the most bytes of values of one row, so that a page is far from the limit of its header.
const maxTableRow = 1 << 30

func newTable(fields []Field, to pages) *Table {
	t := &Table{fields: fields, pages: to}
	t.footer.Version = 1
	t.footer.CreatedBy = createdBy
	root := format.SchemaElement{Name: "schema", NumChildren: thrift.New(int32(len(fields)))}
	t.footer.Schema = append(t.footer.Schema, root)
	for _, field := range fields {
		t.add(field, nil, false)
	}
	t.err = to.magic()
	t.at = int64(len(parquetMagic))
	return t
}

// add adds a field, and the fields below it, to the schema.
func (t *Table) add(field Field, above []string, list bool) {
	path := append(append([]string{}, above...), field.Name)
	element := format.SchemaElement{Name: field.Name, RepetitionType: thrift.New(format.Required)}
	switch {
	case field.List:
		element.NumChildren = thrift.New(int32(1))
		element.ConvertedType = thrift.New(deprecated.List)
		element.LogicalType = format.LogicalType{Value: &format.ListType{}}
		repeated := format.SchemaElement{Name: "list", RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New(int32(1))}
		one := format.SchemaElement{Name: "element", RepetitionType: thrift.New(format.Required), NumChildren: thrift.New(int32(len(field.Fields)))}
		t.footer.Schema = append(t.footer.Schema, element, repeated, one)
		path = append(path, "list", "element")
	case field.Fields != nil:
		element.NumChildren = thrift.New(int32(len(field.Fields)))
		t.footer.Schema = append(t.footer.Schema, element)
	case field.Integer:
		element.Type = thrift.New(format.Int64)
		t.footer.Schema = append(t.footer.Schema, element)
		t.leaves = append(t.leaves, &leaf{path: path, integer: true, list: list})
	default:
		element.Type = thrift.New(format.ByteArray)
		element.ConvertedType = thrift.New(deprecated.UTF8)
		element.LogicalType = format.LogicalType{Value: &format.StringType{}}
		t.footer.Schema = append(t.footer.Schema, element)
		l := &leaf{path: path, list: list, own: field.Own}
		for _, other := range t.leaves {
			if field.Same != "" && dotted(other.path) == field.Same {
				l.same, other.shared = other, true
			}
		}
		t.leaves = append(t.leaves, l)
	}
	for _, below := range field.Fields {
		t.add(below, path, list || field.List)
	}
}

// Text adds a text to a leaf, and keeps nothing of it.
func (t *Table) Text(leaf int, value []byte) {
	if t.leaves[leaf].text(value, t.rows) {
		t.held += len(value) + 4
	}
	t.size += len(value) + 4
}

// Repeat begins a row with the texts of the first one of the row group that has this text in a leaf, and reports whether there is one.
// The row's integers are still to be added.
func (t *Table) Repeat(leaf int, value []byte) bool {
	l := t.leaves[leaf]
	number, hash, ok := l.find(value)
	l.sought, l.hash, l.missed = value, hash, !ok
	if !ok {
		return false
	}
	row := l.rows[number]
	for _, l := range t.leaves {
		if !l.integer && l.same == nil {
			l.repeat(int(row))
		}
	}
	t.size = int(t.sizes[row])
	return true
}

// Integer adds an integer to a leaf.
func (t *Table) Integer(leaf int, value int64) {
	t.leaves[leaf].number(value)
}

// EndRow ends a row. The error of a table that is compared may be that of an earlier row.
func (t *Table) EndRow() error {
	if t.err != nil {
		return t.err
	}
	for _, l := range t.leaves {
		if l.same != nil {
			continue
		}
		if t.err = l.endRow(int(t.rows) + 1); t.err != nil {
			return t.err
		}
	}
	t.rows++
	t.sizes = append(t.sizes, uint32(t.size))
	t.group, t.size = t.group+t.size, 0
	switch {
	case t.held > maxTableRow:
		t.err = fmt.Errorf("the values of a row have at least %d bytes, and the most is %d", t.held-tableDictionaries, maxTableRow-tableDictionaries)
	case t.held >= tableDictionaries || t.group >= tableValues:
		t.err = t.flush()
	}
	return t.err
}

// Rows returns the number of rows so far.
func (t *Table) Rows() int64 { return t.footer.NumRows + t.rows }

// Close ends the table. It is whole, or right, only if Close returns no error.
func (t *Table) Close() error {
	if t.err == nil && t.rows > 0 {
		t.err = t.flush()
	}
	if t.err == nil {
		t.err = t.end()
	}
	if t.err == nil {
		t.err = errClosed
		return nil
	}
	return t.err
}

func (t *Table) end() error {
	encoded, err := thrift.Marshal(new(thrift.CompactProtocol), &t.footer)
	if err != nil {
		return err
	}
	if err := t.pages.footer(encoded); err != nil {
		return err
	}
	return t.pages.magic()
}

// flush passes a row group on.
func (t *Table) flush() error {
	group := format.RowGroup{NumRows: t.rows, FileOffset: t.at, Ordinal: int16(len(t.footer.RowGroups))}
	if len(t.footer.RowGroups) > maxGroups {
		return fmt.Errorf("the table has more than %d row groups; publish the mix in more shards", maxGroups)
	}
	for _, l := range t.leaves {
		chunk, err := t.chunk(l)
		if err != nil {
			return &columnError{path: l.path, first: t.footer.NumRows, rows: t.rows, err: err}
		}
		group.TotalByteSize += chunk.MetaData.TotalUncompressedSize
		group.TotalCompressedSize += chunk.MetaData.TotalCompressedSize
		group.Columns = append(group.Columns, chunk)
	}
	for _, l := range t.leaves {
		l.reset()
	}
	t.footer.RowGroups = append(t.footer.RowGroups, group)
	t.footer.NumRows += t.rows
	t.rows, t.group, t.held, t.sizes = 0, 0, 0, t.sizes[:0]
	return nil
}

// maxGroups is what the number of a row group can count.
const maxGroups = 1<<15 - 1

// chunk passes the pages of a leaf on.
func (t *Table) chunk(l *leaf) (format.ColumnChunk, error) {
	path := l.path
	if l.same != nil {
		l = l.same
	}
	meta := format.ColumnMetaData{Type: format.ByteArray, PathInSchema: path, Codec: tableCodec, NumValues: int64(l.values())}
	chunk := format.ColumnChunk{FileOffset: t.at}
	write := func(header format.PageHeader, content []byte, again *[]byte) error {
		header.UncompressedPageSize = int32(len(content)) // bounded by maxTableRow
		if !l.shared {
			again = nil
		}
		head, packed, err := t.pages.page(header, content, again)
		if err != nil {
			return err
		}
		meta.TotalUncompressedSize += int64(head + len(content))
		meta.TotalCompressedSize += int64(head + packed)
		t.at += int64(head + packed)
		return nil
	}
	data := format.DataPageHeader{NumValues: int32(l.values()), Encoding: format.RLEDictionary, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE}
	if l.integer {
		meta.Type, data.Encoding = format.Int64, format.Plain
		meta.Encoding = []format.Encoding{format.Plain, format.RLE}
	} else {
		meta.Encoding = []format.Encoding{format.Plain, format.RLE, format.RLEDictionary}
		meta.DictionaryPageOffset = t.at
		header := format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(l.distinct()), Encoding: format.Plain})}
		if err := write(header, l.dictionary, &l.packed[0]); err != nil {
			return chunk, err
		}
	}
	meta.DataPageOffset = t.at
	err := write(format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(data)}, l.data(), &l.packed[1])
	chunk.MetaData = meta
	return chunk, err
}

// columnError returns an error with the rows and the column in which it occurred.
type columnError struct {
	path        []string
	first, rows int64
	err         error
}

func (e *columnError) Error() string {
	return fmt.Sprintf("rows %d to %d, column %s: %s", e.first+1, e.first+e.rows, dotted(e.path), e.err)
}

func (e *columnError) Unwrap() error { return e.err }

// errUneven is a mistake of the caller.
var errUneven = errors.New("a row has a leaf without a value, or with several")

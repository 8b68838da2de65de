// Package parquet reads rows of Parquet files. The library decodes pages that it is given unpacked, one at a time, once what they and
// the footer claim was compared with what there is; rows are assembled here, with exact numbers and one bad row at a time.
package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
)

// Magic begins and ends a Parquet file.
const Magic = "PAR1"

const (
	// footerTail is the length of the footer (4 bytes, little endian) and the magic that end a Parquet file.
	footerTail = 8
	// pageValues is how many values of a column are read from a page at a time.
	pageValues = 256
	// readBuffer is the buffer of one column's reads from the file.
	readBuffer = 256 << 10
)

// rows reads the wanted columns of a Parquet file side by side.
type rows struct {
	src     io.ReaderAt
	size    int64
	leaves  []*parquet.Column
	groups  []parquet.RowGroup
	meta    []format.RowGroup
	fields  []decoded.Field
	wanted  []found   // the parts of the schema that the fields name
	columns []*column // the leaf columns of all of these, each once

	budget budget
	group  int   // of the next row
	done   int64 // rows of the group that were returned
	open   bool
	// format of a row's place. Row groups and rows count from 0, as Parquet tools print them.
	format string
}

// Open reads rows of a file of so many bytes, without bounds if the project wrote it. Damaged input gives errors, never panics.
func Open(src io.ReaderAt, size int64, fields []decoded.Field, nonFinite decoded.NonFinite, own bool) (r decoded.Reader, err error) {
	defer recovered(&err)
	limits := newBudget(size, own)
	meta, file, err := openFile(src, size, &limits)
	if err != nil {
		return nil, err
	}
	root, err := newSchema(meta.Schema, nonFinite)
	if err != nil {
		return nil, err
	}
	p := &rows{src: src, size: size, budget: limits, leaves: leavesOf(file.Root(), nil), groups: file.RowGroups(), meta: meta.RowGroups, fields: fields}
	byLeaf := map[int]*column{}
	for _, field := range fields {
		n, err := root.lookup(field)
		if err != nil {
			return nil, err
		}
		p.wanted = append(p.wanted, n)
		for _, leaf := range n.node.leaves() {
			if byLeaf[leaf.column] == nil {
				byLeaf[leaf.column] = &column{index: leaf.column, name: leaf.path}
				p.columns = append(p.columns, byLeaf[leaf.column])
			}
			leaf.values = byLeaf[leaf.column]
		}
	}
	return p, nil
}

// Count returns the number of rows in the footer of a file of so many bytes.
func Count(src io.ReaderAt, size int64) (rows int64, err error) {
	defer recovered(&err)
	limits := newBudget(size, false)
	meta, _, err := openFile(src, size, &limits)
	if err != nil {
		return 0, err
	}
	for _, group := range meta.RowGroups {
		rows += group.NumRows
	}
	return rows, nil
}

// openFile opens a file of so many bytes by its footer, which claims no more rows than the budget has.
func openFile(src io.ReaderAt, size int64, limits *budget) (*format.FileMetaData, *parquet.File, error) {
	footer, err := readFooter(src, size)
	if err != nil {
		return nil, nil, err
	}
	meta, file, err := openFooter(footer)
	if err != nil {
		return nil, nil, fmt.Errorf("the Parquet footer cannot be read (%w); fetch the file again", err)
	}
	return meta, file, limits.rows(meta.RowGroups)
}

// readFooter finds a file that was cut short before the library does, which would allocate what a false length says.
func readFooter(src io.ReaderAt, size int64) ([]byte, error) {
	var tail [footerTail]byte
	if size < int64(len(Magic))+footerTail {
		return nil, errors.New("the Parquet file was cut short: it has no footer; fetch it again")
	}
	if _, err := src.ReadAt(tail[:], size-footerTail); err != nil && err != io.EOF {
		return nil, err
	}
	if magic := string(tail[4:]); magic != Magic {
		return nil, fmt.Errorf("the Parquet file was cut short: it ends in %q, not in the footer's %q; fetch it again", magic, Magic)
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if length > size-footerTail-int64(len(Magic)) {
		return nil, fmt.Errorf("the Parquet file is damaged: its footer claims %d bytes and the file has %d; fetch it again", length, size)
	}
	footer := make([]byte, length)
	if n, err := src.ReadAt(footer, size-footerTail-length); n < len(footer) {
		return nil, err
	}
	return footer, nil
}

// openFooter reads what a footer says, and opens for the library a file of the same columns that is not packed and has nothing
// but a footer: pageReaders are its pages.
func openFooter(footer []byte) (*format.FileMetaData, *parquet.File, error) {
	footer, err := trimFooter(footer, footerParts)
	if err != nil {
		return nil, nil, err
	}
	meta := new(format.FileMetaData)
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, meta); err != nil {
		return nil, nil, err
	}
	plain, err := plainFooter(meta)
	if err != nil {
		return nil, nil, err
	}
	whole := append([]byte(Magic), plain...)
	whole = binary.LittleEndian.AppendUint32(whole, uint32(len(plain)))
	whole = append(whole, Magic...)
	file, err := parquet.OpenFile(bytes.NewReader(whole), int64(len(whole)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(readBuffer))
	return meta, file, err
}

// leavesOf appends the leaf columns in their order.
func leavesOf(c *parquet.Column, leaves []*parquet.Column) []*parquet.Column {
	if c.Leaf() {
		return append(leaves, c)
	}
	for _, child := range c.Columns() {
		leaves = leavesOf(child, leaves)
	}
	return leaves
}

// recovered turns a panic of the library, which damaged input can cause, into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the Parquet data is damaged (%v); fetch the file again", r)
	}
}

func (p *rows) Close() {
	for _, c := range p.columns {
		c.close()
	}
}

func (p *rows) Next(row *decoded.Row) (err error) {
	defer recovered(&err)
	for p.group < len(p.groups) && p.done >= p.groups[p.group].NumRows() {
		row.Place.Format, row.Place.N = "row group %d", int64(p.group)
		if err := p.finishGroup(); err != nil {
			return err
		}
	}
	if p.group == len(p.groups) {
		return io.EOF
	}
	if !p.open {
		row.Place.Format, row.Place.N = "row group %d", int64(p.group)
		if err := p.openGroup(); err != nil {
			return err
		}
	}
	row.Place.Format, row.Place.N = p.format, row.Number
	values, texts := p.budget.room()
	for _, c := range p.columns {
		if err := c.nextRow(values, texts); err != nil {
			return fmt.Errorf("column %q: %w; fetch the file again", c.name, err)
		}
		values, texts = values-len(c.row), texts-c.texts
	}
	p.done++
	if err := p.budget.row(p.columns); err != nil {
		return err
	}
	return p.take(row.Values)
}

// take assembles the wanted fields of a row. If one is bad the others are read nevertheless: levels that do not fit the schema end the file, and
// must not hide behind a bad value.
func (p *rows) take(values []any) (first error) {
	for i, n := range p.wanted {
		if values[i] = nil; n.node == nil {
			continue
		}
		v, err := n.value()
		if err == nil && v == nil && !p.fields[i].Optional {
			err = decoded.Bad(decoded.MissingField, decoded.NullField(p.fields[i].Name))
		}
		if err != nil {
			err = columnError(n.node.path, err)
			if !decoded.IsBad(err) {
				return err
			}
			if first == nil {
				first = err
			}
		}
		switch field := p.fields[i]; {
		case field.Raw:
			v = n.node.ordered(v)
		case field.Ordered:
			v = n.text(v)
		}
		values[i] = v
	}
	return first
}

func columnError(column string, err error) error {
	var row *decoded.BadRow
	if errors.As(err, &row) {
		return decoded.Badf(row.Class, "column %q: %w", column, row.Err)
	}
	return fmt.Errorf("column %q: %w", column, err)
}

func (p *rows) openGroup() error {
	chunks, meta := p.groups[p.group].ColumnChunks(), p.meta[p.group].Columns
	for _, c := range p.columns {
		chunk, ok := chunks[c.index].(*parquet.FileColumnChunk)
		if !ok {
			return fmt.Errorf("column %q: the library reads no chunk of type %T", c.name, chunks[c.index])
		}
		if err := elsewhere(&meta[c.index]); err != nil {
			return fmt.Errorf("column %q: %w", c.name, err)
		}
		source, err := newPageReader(p.src, p.size, &meta[c.index].MetaData, p.leaves[c.index])
		if err != nil {
			return fmt.Errorf("column %q: %w", c.name, err)
		}
		kind := p.leaves[c.index].Type().Kind()
		c.bytes = kind == parquet.ByteArray || kind == parquet.FixedLenByteArray
		c.open(chunk, source)
	}
	p.open, p.format = true, fmt.Sprintf("row group %d, row %%d", p.group)
	return nil
}

// elsewhere returns an error where the pages of a column are not in this file, or not in the clear.
func elsewhere(chunk *format.ColumnChunk) error {
	switch {
	case chunk.FilePath != "":
		return fmt.Errorf("its pages are in another file, %q: this one is a summary, such as _metadata; name the files that it sums up", chunk.FilePath)
	case chunk.CryptoMetadata.Value != nil || len(chunk.EncryptedColumnMetadata) > 0:
		return errors.New("it is encrypted, which is not supported; publish it unencrypted")
	}
	return nil
}

// finishGroup checks that no column has more rows than its row group.
func (p *rows) finishGroup() error {
	for _, c := range p.columns {
		if p.open && c.more() {
			return fmt.Errorf("column %q has more rows than its row group; fetch the file again", c.name)
		}
		c.close()
	}
	p.group, p.done, p.open = p.group+1, 0, false
	return nil
}

// column reads one leaf column of a row group, row by row.
type column struct {
	index int
	name  string
	bytes bool // its values are texts, or null

	source *pageReader
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buf    [pageValues]parquet.Value
	next   []parquet.Value // unread part of buf
	row    []parquet.Value // the current row; byte arrays point into the page
	texts  int             // the bytes of its texts
	err    error
}

func (c *column) open(chunk *parquet.FileColumnChunk, source *pageReader) {
	if c.source != nil { // The memory of the previous chunk is reused.
		source.head, source.packed, source.plain, source.booleans = c.source.head, c.source.packed, c.source.plain, c.source.booleans
	}
	c.source, c.pages, c.err, c.next = source, chunk.PagesFrom(source), nil, nil
}

func (c *column) close() {
	if c.pages == nil {
		return
	}
	parquet.Release(c.page)
	_ = c.pages.Close() // Only returns buffers.
	c.pages, c.page, c.values = nil, nil, nil
}

// nextRow reads the values of the next row: one, and all that follow with a repetition level above 0. Rows may span pages. Of a row with more than
// so many values, or bytes of texts, it reads no more than shows that.
func (c *column) nextRow(values, texts int) error {
	c.row, c.texts = c.row[:0], 0
	begun := false
	for c.more() {
		v := &c.next[0]
		if begun && v.RepetitionLevel() == 0 {
			return nil
		}
		begun = true
		if c.bytes {
			c.texts += len(v.ByteArray())
		}
		c.next = c.next[1:]
		if len(c.row) <= values && c.texts <= texts {
			c.row = append(c.row, *v)
		}
	}
	switch {
	case c.err != io.EOF:
		return c.err
	case !begun:
		return errors.New("it ends before the last row of its row group")
	}
	return nil
}

// more makes sure that next is not empty, unless the column has ended (err is io.EOF) or failed.
func (c *column) more() bool {
	for len(c.next) == 0 && c.err == nil {
		if c.values == nil {
			c.turnPage()
			continue
		}
		n, err := c.values.ReadValues(c.buf[:])
		c.next = c.buf[:n]
		if err == io.EOF || n == 0 && err == nil {
			c.values = nil
		} else if err != nil {
			c.err = err
		}
	}
	return len(c.next) > 0
}

func (c *column) turnPage() {
	// The memory of the old page is reused; an unfinished row keeps its bytes.
	for i := range c.row {
		c.row[i] = c.row[i].Clone()
	}
	parquet.Release(c.page)
	c.page, c.err = nil, nil
	page, err := c.pages.ReadPage()
	if c.source.err != nil { // whatever the library makes of it
		err = c.source.err
	}
	if err != nil {
		c.err = err
		return
	}
	c.page, c.values = page, page.Values()
}

func columnNames(nodes []*node) []string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = fmt.Sprintf("%q", n.name)
	}
	return names
}

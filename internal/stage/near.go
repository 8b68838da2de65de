package stage

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/dedup"
	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/store"
)

// near drops rows whose questions are nearly those of later splits. It compares all rows that the splits were given, including those that are
// dropped for another reason: what is dropped then depends on no order, and a question that is too near to one that was removed from a later split
// is dropped, too.
//
// Every row's signature is in a file, at the row's number, and every band's key is sorted with the row that has it. Rows
// with a key in common are candidates: their signatures are read and compared.
func (b *balancer) near(ctx context.Context) error {
	wanted := b.job.recipe.NearDuplicates
	if wanted == nil || len(b.job.recipe.Splits) < 2 {
		return nil
	}
	n := nearer{of: b, wanted: *wanted, record: int64(4 * wanted.Bands * wanted.Rows), bands: extsort.New(b.staging.Folder().Scratch, bandSize, bandMemory)}
	defer n.bands.Close()
	signatures, err := b.staging.Folder().Scratch()
	if err != nil {
		return err
	}
	defer signatures.Close()
	n.signatures = signatures
	if err := n.sketch(ctx); err != nil {
		return err
	}
	return n.match(ctx)
}

// nearer finds near duplicates.
type nearer struct {
	of         *balancer
	wanted     recipe.NearDuplicates
	record     int64 // length of a signature in the file
	signatures *os.File
	bands      *extsort.Sorter // band key, row: no value

	dropped []uint64 // a bit for each row over all files, set once the row is dropped
	mine    dedup.Signature
	others  dedup.Signature
	buffer  []byte
}

// bandSize is the length of a band's key with its row: the row's number over all files after its split, so that rows of the last split come first.
const (
	bandSize   = 8 + 1 + 2 + 8 + 8
	bandMemory = 32 << 20
)

// banded is a row with one band's key.
type banded struct {
	rowRef
	number int64 // over all files
}

func (n *nearer) appendKey(dst []byte, band uint64, row banded) []byte {
	dst = binary.BigEndian.AppendUint64(dst, band)
	dst = append(dst, byte(len(n.of.job.recipe.Splits)-1-row.split))
	dst = binary.BigEndian.AppendUint16(dst, uint16(row.dataset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(row.row))
	return binary.BigEndian.AppendUint64(dst, uint64(row.number))
}

func (n *nearer) readKey(key []byte) (band uint64, row banded) {
	row.split = len(n.of.job.recipe.Splits) - 1 - int(key[8])
	row.dataset = int(binary.BigEndian.Uint16(key[9:]))
	row.row = int64(binary.BigEndian.Uint64(key[11:]))
	row.number = int64(binary.BigEndian.Uint64(key[19:]))
	return binary.BigEndian.Uint64(key), row
}

// sketch makes the signatures and the bands of all rows, several files at once.
func (n *nearer) sketch(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	from := int64(0)
	for s := range n.of.job.recipe.Splits {
		for d, name := range n.of.names {
			first := banded{rowRef{split: s, dataset: d}, from}
			from += n.of.job.finished.Split(name).Rows[s]
			group.Go(func() error { return n.sketchFile(ctx, first) })
		}
	}
	n.dropped = make([]uint64, (from+63)/64)
	return group.Wait()
}

// sketchFile sketches one file of rows, of which row is the first.
func (n *nearer) sketchFile(ctx context.Context, row banded) error {
	sketcher, err := dedup.NewSketcher(n.wanted.Words, n.wanted.N, n.wanted.Bands, n.wanted.Rows)
	if err != nil {
		return contract.Failf(contract.InvalidTask, "nearDuplicates: %w", err)
	}
	folder, err := n.of.job.input(pipeline.StageSplit, n.of.names[row.dataset])
	if err != nil {
		return err
	}
	rows, err := openRows(folder, n.of.job.recipe.Splits[row.split].Name+rowSuffix, 0)
	if err != nil {
		return err
	}
	defer rows.Close()
	out := io.NewOffsetWriter(n.signatures, row.number*n.record)
	var bands []uint64
	var encoded, key []byte
	counter := progress.Of(ctx).Counter()
	defer counter.Flush()
	for ; row.row < rows.Len(); row.row, row.number = row.row+1, row.number+1 {
		line, _, err := rows.Row(row.row)
		if err := errors.Join(err, counter.Row(ctx, len(line))); err != nil {
			return err
		}
		parsed, err := record.Parse(line[:len(line)-1])
		if err != nil {
			return err
		}
		signature := sketcher.Sketch(parsed.Question)
		encoded = appendSignature(encoded, signature, n.record)
		if len(encoded) >= signaturesAtOnce || row.row+1 == rows.Len() {
			if _, err := out.Write(encoded); err != nil {
				return store.WrapError(err)
			}
			encoded = encoded[:0]
		}
		bands = sketcher.AppendBands(bands[:0], signature)
		for _, band := range bands {
			key = n.appendKey(key[:0], band, row)
			if err := n.bands.Add(key); err != nil {
				return store.WrapError(err)
			}
		}
	}
	return nil
}

// signaturesAtOnce is how many bytes of signatures are written at once.
const signaturesAtOnce = 256 << 10

// appendSignature appends a signature in its fixed length; an empty one is never read.
func appendSignature(dst []byte, signature dedup.Signature, length int64) []byte {
	end := len(dst) + int(length)
	for _, least := range signature {
		dst = binary.LittleEndian.AppendUint32(dst, least)
	}
	return append(dst, make([]byte, end-len(dst))...)
}

// match compares the rows of each band: those of the last split come first.
func (n *nearer) match(ctx context.Context) error {
	sorted, err := n.bands.Sorted()
	if err != nil {
		return store.WrapError(err)
	}
	var band uint64
	var later []banded // rows of the band that are not in the first split
	for i := 0; ; i++ {
		if i%contextEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		key, _, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return store.WrapError(err)
		}
		at, row := n.readKey(key)
		if at != band {
			band, later = at, later[:0]
		}
		if err := n.judge(row, later); err != nil {
			return err
		}
		if row.split > 0 {
			later = append(later, row)
		}
	}
}

// judge drops a row if it is a near duplicate of one of the rows of later splits. Rows of its own split come last in the list.
func (n *nearer) judge(row banded, later []banded) error {
	if len(later) == 0 || later[0].split == row.split || n.isDropped(row) {
		return nil
	}
	var err error
	if n.mine, err = n.signature(n.mine, row); err != nil {
		return err
	}
	for _, other := range later {
		if other.split == row.split {
			return nil
		}
		if n.others, err = n.signature(n.others, other); err != nil {
			return err
		}
		if dedup.Similar(n.mine, n.others, n.wanted.Percent) {
			n.dropped[row.number/64] |= 1 << (row.number % 64)
			return n.of.drop(row.rowRef, pipeline.NearDuplicate)
		}
	}
	return nil
}

func (n *nearer) isDropped(row banded) bool { return n.dropped[row.number/64]>>(row.number%64)&1 != 0 }

// signature reads the signature of a row.
func (n *nearer) signature(into dedup.Signature, row banded) (dedup.Signature, error) {
	if n.buffer == nil {
		n.buffer = make([]byte, n.record)
	}
	if _, err := n.signatures.ReadAt(n.buffer, row.number*n.record); err != nil {
		return nil, store.WrapError(err)
	}
	into = into[:0]
	for at := 0; at < len(n.buffer); at += 4 {
		into = append(into, binary.LittleEndian.Uint32(n.buffer[at:]))
	}
	return into, nil
}

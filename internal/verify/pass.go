package verify

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"

	"github.com/datasetmix/datasetmix/internal/bufpipe"
	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/store"
)

// A file is read once, in chunks: while one is hashed, the rows of the next are looked at.
const (
	firstChunk  = 64 << 10 // most files are no larger
	chunkSize   = 1 << 20
	chunksAhead = 3
)

// eachRow looks at a row, without its line end, and is told where it begins. The slice is used again.
type eachRow func(offset int64, line []byte) error

// pass reads a listed file front to back: its bytes must be those of the manifest, and its rows what each wants, if any.
// Other bytes are the more telling difference: they explain a wrong row.
func (v *verifier) pass(file revision.PublishedFile, each eachRow) error {
	f, err := v.open(file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if each == nil {
		return v.bytes(f, file, nil)
	}
	rows := rowReader{file: file.Path, each: each}
	if err := v.bytes(f, file, rows.chunk); err != nil {
		return err
	}
	return rows.end()
}

// bytes hands a file's bytes on, if anybody wants them; they must be those of the manifest.
func (v *verifier) bytes(f io.Reader, file revision.PublishedFile, chunk func([]byte)) error {
	sum, want := hash.Hash(xxhash.New()), v.options.Checksums[file.Path]
	if want == "" {
		sum, want = sha256.New(), file.SHA256
	}
	size, err := readBeside(v.context, f, sum, chunk)
	have := hex.EncodeToString(sum.Sum(nil))
	switch {
	case v.context.Err() != nil:
		return v.context.Err()
	case err != nil:
		return unreadable(file.Path, err)
	case size != file.Bytes:
		return differ("%s has %d bytes, the manifest says %d", file.Path, size, file.Bytes)
	case have != want:
		return differ("%s was changed: its digest is %s, and it was written with %s", file.Path, have, want)
	}
	return nil
}

// contextEvery is how many packed rows pass between two looks at the context.
const contextEvery = 4096

// packed is pass for a file of which the rows do not lie there as lines. It is read twice, and unpacked only once its bytes are
// known to be those of the manifest: they are few beside what they unpack to, and a reader of Parquet goes to and fro in them.
func (v *verifier) packed(file revision.PublishedFile, format recipe.Format, each eachRow) error {
	f, err := v.open(file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := v.bytes(f, file, nil); err != nil || each == nil {
		return err
	}
	var n, offset int64
	for line, err := range encode.Rows(f, file.Bytes, format) {
		if err != nil {
			return differ("%s: %w", place(file.Path, n), err)
		}
		if n%contextEvery == 0 && v.context.Err() != nil {
			return v.context.Err()
		}
		if err := each(offset, line[:len(line)-1]); err != nil {
			return err
		}
		n++
		offset += int64(len(line))
	}
	return nil
}

// entire is pass for a file that is looked at as a whole, once its bytes are known to be those of the manifest.
func (v *verifier) entire(file revision.PublishedFile, whole func(from *io.SectionReader) error) error {
	f, err := v.open(file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := v.bytes(f, file, nil); err != nil {
		return err
	}
	return whole(io.NewSectionReader(f, 0, file.Bytes))
}

// look reads rows up to the first that its reader has an error for, such as the one that is looked for. Its own errors are those of
// reading, and of ctx.
func look(ctx context.Context, from io.Reader, rows *rowReader) error {
	for buffer := make([]byte, firstChunk); rows.err == nil; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := from.Read(buffer)
		rows.chunk(buffer[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Digest is the SHA-256, in hex, and the size of a file.
func Digest(ctx context.Context, path store.Path) (string, int64, error) {
	f, err := path.Open()
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return store.SHA256(ctx, f)
}

// readBeside hands every chunk to a hash, in a goroutine of its own, and to whoever wants it. A hash that is alone reads for itself.
func readBeside(ctx context.Context, from io.Reader, sum hash.Hash, chunk func([]byte)) (size int64, err error) {
	from = progress.Of(ctx).Reader(from)
	if chunk == nil {
		return store.Hash(ctx, from, sum)
	}
	hashing := bufpipe.Start(chunksAhead, func(content []byte) { _, _ = sum.Write(content) }) // which cannot fail
	defer hashing.Wait()
	next := firstChunk
	for err == nil && ctx.Err() == nil {
		buffer := hashing.Buffer(next)
		next = chunkSize
		var n int
		n, err = io.ReadFull(from, buffer[:cap(buffer)])
		size += int64(n)
		hashing.Hand(buffer[:n])
		chunk(buffer[:n])
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return size, err
}

// rowReader cuts chunks into rows. Its error is the first of a row.
type rowReader struct {
	file  string
	each  eachRow
	at    int64  // where the next chunk begins
	begun []byte // of a row that the last chunk did not end
	row   int64
	err   error
}

func (r *rowReader) chunk(content []byte) {
	start := r.at
	r.at += int64(len(content))
	for r.err == nil {
		n := bytes.IndexByte(content, '\n')
		if n < 0 {
			r.begun = append(r.begun, content...)
			return
		}
		line, offset := content[:n], start
		if len(r.begun) > 0 {
			r.begun = append(r.begun, line...)
			line, offset = r.begun, start-int64(len(r.begun)-n)
		}
		r.err = r.each(offset, line)
		r.begun = r.begun[:0]
		content, start = content[n+1:], start+int64(n+1)
		r.row++
	}
}

func (r *rowReader) end() error {
	if r.err == nil && len(r.begun) > 0 {
		return differ("%s: it does not end with a whole row", place(r.file, r.row))
	}
	return r.err
}

// task is one file to read. Files that are the same on the volume are one task.
type task struct {
	file revision.PublishedFile
	same []revision.PublishedFile
	info fs.FileInfo
	// mixed files are read after all others.
	mixed bool
	// format of the rows; empty is lines as they are.
	format recipe.Format
	each   eachRow
	// whole looks at a file as a whole, in place of its rows.
	whole func(from *io.SectionReader) error
	// after the file was found as it should be.
	after func() error
	// close is called last, whatever was found.
	close func()
}

// tasks are the listed files; the rows of those that have a check are looked at. A file that stands under two names, as those
// that evaluate a data set do, is read once.
func (v *verifier) tasks(single, mixed map[string]task) []task {
	var tasks []task
	infos := map[int64][]int{} // by size: the tasks that a file may be the same as
	for _, file := range v.all() {
		info := v.infos[file.Path]
		check, checked := single[file.Path]
		if !checked {
			check, checked = mixed[file.Path]
			check.mixed = checked
		}
		same := slices.IndexFunc(infos[info.Size()], func(i int) bool { return os.SameFile(tasks[i].info, info) })
		if same >= 0 && !checked {
			i := infos[info.Size()][same]
			tasks[i].same = append(tasks[i].same, file)
			continue
		}
		check.file, check.info = file, info
		infos[info.Size()] = append(infos[info.Size()], len(tasks))
		tasks = append(tasks, check)
	}
	return tasks
}

// readAll does tasks on all processors, large ones first, and gives the error of the first that has one in the order of the
// manifest, so that a difference has the same message every time.
func (v *verifier) readAll(tasks []task) error {
	order := make([]int, len(tasks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(tasks[b].file.Bytes, tasks[a].file.Bytes) })
	errs := make([]error, len(tasks))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, i := range order {
		group.Go(func() error {
			errs[i] = v.do(tasks[i])
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, task := range tasks {
		if errs[i] != nil {
			return errs[i]
		}
		v.proof.Files += 1 + len(task.same)
		v.proof.Bytes += task.file.Bytes * int64(1+len(task.same))
	}
	return nil
}

func (v *verifier) do(t task) error {
	if t.close != nil {
		defer t.close()
	}
	if err := v.read(t); err != nil {
		return err
	}
	for _, file := range t.same {
		if file.Bytes != t.file.Bytes || file.SHA256 != t.file.SHA256 {
			return differ("%s was changed: its SHA-256 is %s, the manifest says %s", file.Path, t.file.SHA256, file.SHA256)
		}
	}
	if t.after == nil {
		return nil
	}
	return t.after()
}

func (v *verifier) read(t task) error {
	if t.whole != nil {
		return v.entire(t.file, t.whole)
	}
	if t.format == "" || t.format == recipe.JSONL {
		return v.pass(t.file, t.each)
	}
	return v.packed(t.file, t.format, t.each)
}

package stage

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/mix"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Names inside a split unit's folder.
const (
	rawName   = "raw.jsonl"
	rowSuffix = ".jsonl"
	idxSuffix = ".idx"
)

// row is what the split needs to know of a row; the row itself is on the volume.
type row struct {
	offset   int64
	length   int32
	group    uint64      // place of the row's group in the order of the split
	groupID  store.Short // tells groups with equal places apart
	identity store.Short
	question store.Short
}

// split maps every row of a data set to the unified record and divides the rows: groups in keyed order, cut into consecutive
// ranges. Inside a split, rows stand in the keyed order of their own content, so a sample of k rows is the first k, and a
// group of many rows is not a clump.
func (j job) split(ctx context.Context, staging *store.Staging) (recipe.Result, error) {
	dataset, domain, _ := j.Recipe.Dataset(j.Unit.Name)
	s := splitter{job: j, staging: staging, dataset: dataset, domain: domain, key: mix.NewKey(j.Recipe.Seed, "split")}
	if err := s.readAll(ctx); err != nil {
		return recipe.Result{}, contract.Within("data set "+dataset.Name, err)
	}
	done := recipe.Divided{Read: s.read, Dropped: s.dropped, Bytes: s.rawBytes}
	list := digests{rawName: {s.rawDigest, s.rawBytes}}
	all := sha256.New()
	all.Write([]byte(s.rawDigest + "\n"))
	raw, err := os.Open(s.rawPath)
	if err != nil {
		return recipe.Result{}, store.Failure(err)
	}
	defer raw.Close()
	for i, part := range s.divide() {
		if err := ctx.Err(); err != nil {
			return recipe.Result{}, err
		}
		name := j.Recipe.Splits[i].Name + rowSuffix
		if list[name], err = s.writeSplit(raw, name, part); err != nil {
			return recipe.Result{}, err
		}
		all.Write([]byte(list[name].SHA256 + "\n"))
		done.Rows = append(done.Rows, int64(len(part)))
	}
	done.Digest = hex.EncodeToString(all.Sum(nil))
	return recipe.Result{Split: &done}, writeJSON(staging, digestsName, list)
}

type splitter struct {
	job
	staging   *store.Staging
	dataset   recipe.Dataset
	domain    recipe.Domain
	key       mix.Key
	rows      []row
	read      int64            // rows of the source, the dropped ones as well
	dropped   map[string]int64 // by reason
	rawPath   string
	rawDigest string
	rawBytes  int64
}

// readAll writes every row, in the order of the source, to the raw file.
func (s *splitter) readAll(ctx context.Context) error {
	mapping, err := record.Compile(s.dataset.Record)
	if err != nil {
		return err
	}
	folder, err := s.input(recipe.Download, s.dataset.Name)
	if err != nil {
		return err
	}
	var originals []original
	if err := store.ReadJSON(filepath.Join(folder, originalsName), &originals); err != nil {
		return contract.Failf(contract.VolumeInvalid, "the download is gone from the volume: %w", err)
	}
	if s.rawPath, err = s.staging.Path(rawName); err != nil {
		return err
	}
	out, err := store.Create(s.rawPath)
	if err != nil {
		return err
	}
	defer out.Abort()
	for i, file := range originals {
		if err := s.readFile(ctx, out, mapping, originalPath(folder, i), file.Path); err != nil {
			return err
		}
	}
	if len(s.rows) == 0 {
		return contract.Failf(contract.InvalidData, "none of the %d rows is kept; look at the record's where", s.read)
	}
	s.rawBytes = out.Bytes()
	s.rawDigest, err = out.Finish()
	return err
}

func (s *splitter) readFile(ctx context.Context, out *store.Writer, mapping record.Mapping, path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return contract.Failf(contract.VolumeInvalid, "an original is gone from the volume: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return store.Failure(err)
	}
	origin := record.Origin{Dataset: s.dataset.Name, Domain: s.domain.Name}
	var line []byte
	for source, err := range ahead(ctx, decode.File{Name: name, Data: f, Size: info.Size()}, mapping.Fields()) {
		if err != nil {
			return err
		}
		origin.Number = s.read
		s.read++
		mapped, group, err := record.Map(mapping, source, origin)
		if reason, dropped := record.IsDropped(err); dropped {
			s.drop(string(reason))
			continue
		}
		if err != nil {
			return err
		}
		line = append(mapped.AppendJSON(line[:0]), '\n')
		s.add(&mapped, group, out.Bytes(), len(line))
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// drop counts a row that is left out. Without one there is no map, as in a result that was read back.
func (s *splitter) drop(reason string) {
	if s.dropped == nil {
		s.dropped = map[string]int64{}
	}
	s.dropped[reason]++
}

func (s *splitter) add(r *record.Record, group string, offset int64, length int) {
	identity, question := r.Identity(), r.QuestionDigest()
	groupID := question
	if group != r.Question {
		groupID = sha256.Sum256([]byte(group))
	}
	s.rows = append(s.rows, row{
		offset: offset, length: int32(length),
		group: s.key.Of(groupID[:]), groupID: store.Short(groupID[:16]),
		identity: store.Short(identity[:16]), question: store.Short(question[:16]),
	})
}

// divide gives each split its rows, in the order in which they are written.
func (s *splitter) divide() [][]row {
	slices.SortFunc(s.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.group, b.group), bytes.Compare(a.groupID[:], b.groupID[:]), cmp.Compare(a.offset, b.offset))
	})
	var groups []int64
	for i := range s.rows {
		if i == 0 || s.rows[i].groupID != s.rows[i-1].groupID {
			groups = append(groups, 0)
		}
		groups[len(groups)-1]++
	}
	shares := make([]int64, len(s.Recipe.Splits))
	for i, split := range s.Recipe.Splits {
		shares[i] = split.Share
	}
	parts := make([][]row, len(shares))
	rest, first := s.rows, 0
	for i, count := range mix.Cut(groups, shares) {
		size := int64(0)
		for _, g := range groups[first : first+count] {
			size += g
		}
		parts[i], rest, first = rest[:size], rest[size:], first+count
		sortRows(parts[i], mix.NewKey(s.Recipe.Seed, "order"))
	}
	return parts
}

// sortRows brings rows into the keyed order of their content; equal contents keep the order of the source.
func sortRows(rows []row, key mix.Key) {
	for i := range rows {
		rows[i].group = key.Of(rows[i].identity[:]) // the split is made: the place is free for this order
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.group, b.group), bytes.Compare(a.identity[:], b.identity[:]), cmp.Compare(a.offset, b.offset))
	})
}

// writeSplit writes one split's file and index.
func (s *splitter) writeSplit(raw *os.File, name string, rows []row) (written, error) {
	path, err := s.staging.Path(name)
	if err != nil {
		return written{}, err
	}
	return writeRows(path, len(rows), func(i int, buffer []byte) ([]byte, store.Entry, error) {
		r := rows[i]
		buffer = slices.Grow(buffer[:0], int(r.length))[:r.length]
		_, err := raw.ReadAt(buffer, r.offset)
		return buffer, store.Entry{Identity: r.identity, Question: r.question}, store.Failure(err)
	})
}

// writeRows writes a file of rows and its index beside it.
func writeRows(path string, n int, row func(i int, buffer []byte) ([]byte, store.Entry, error)) (written, error) {
	out, err := store.Create(path)
	if err != nil {
		return written{}, err
	}
	defer out.Abort()
	index, err := store.CreateIndex(indexOf(path))
	if err != nil {
		return written{}, err
	}
	defer index.Abort()
	var line []byte
	for i := range n {
		var entry store.Entry
		if line, entry, err = row(i, line); err != nil {
			return written{}, err
		}
		entry.Offset = out.Bytes()
		if err := index.Add(entry); err != nil {
			return written{}, err
		}
		if _, err := out.Write(line); err != nil {
			return written{}, err
		}
	}
	if err := index.Finish(); err != nil {
		return written{}, err
	}
	digest, err := out.Finish()
	return written{digest, out.Bytes()}, err
}

// indexOf is the name of the index of a file of rows.
func indexOf(path string) string { return path[:len(path)-len(rowSuffix)] + idxSuffix }

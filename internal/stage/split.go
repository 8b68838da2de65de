package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// rawName is a data set's file of all rows in a split unit's folder.
const rawName = "raw.jsonl"

// split maps every row of a data set to the unified record and divides the rows: groups in keyed order, cut into consecutive
// ranges. Inside a split, rows stand in the keyed order of their own content, so a sample of k rows is the first k, and a
// group of many rows is not a clump.
func (j job) split(ctx context.Context, staging *store.Staging) (recipe.Result, error) {
	dataset, domain, _ := j.Recipe.Dataset(j.Unit.Name)
	s := splitter{job: j, staging: staging, dataset: dataset, domain: domain, divider: newDivider(staging.Folder(), j.Recipe)}
	defer s.divider.close()
	if err := s.readAll(ctx); err != nil {
		return recipe.Result{}, contract.Within("data set "+dataset.Name, err)
	}
	parts, err := s.divider.write(ctx, staging)
	if err != nil {
		return recipe.Result{}, err
	}
	done := recipe.Divided{Read: s.read, Dropped: s.dropped, Bytes: s.raw.Bytes}
	list := digests{rawName: s.raw}
	all := sha256.New()
	all.Write([]byte(s.raw.SHA256 + "\n"))
	for i, part := range parts {
		list[j.Recipe.Splits[i].Name+rowSuffix] = part.written
		all.Write([]byte(part.SHA256 + "\n"))
		done.Rows = append(done.Rows, part.rows)
	}
	done.Digest = hex.EncodeToString(all.Sum(nil))
	return recipe.Result{Split: &done}, writeJSON(staging, digestsName, list)
}

// splitter reads a data set's rows.
type splitter struct {
	job
	staging *store.Staging
	dataset recipe.Dataset
	domain  recipe.Domain
	divider *divider

	read    int64            // rows of the source, the dropped ones as well
	dropped map[string]int64 // by reason
	raw     written
}

// readAll writes every row, in the order of the source, to the raw file, and hands it to the divider.
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
	path, err := s.staging.Path(rawName)
	if err != nil {
		return err
	}
	out, err := store.Create(path)
	if err != nil {
		return err
	}
	defer out.Abort()
	for i, file := range originals {
		if err := s.readFile(ctx, out, mapping, file, originalPath(folder, i)); err != nil {
			return err
		}
	}
	if s.divider.rows.Count() == 0 {
		return contract.Failf(contract.InvalidData, "none of the %d rows is kept; look at the record's where", s.read)
	}
	s.raw.Bytes = out.Bytes()
	s.raw.SHA256, err = out.Finish()
	return err
}

func (s *splitter) readFile(ctx context.Context, out *store.Writer, mapping record.Mapping, file original, path string) error {
	f, err := s.open(ctx, file, path)
	if err != nil {
		return err
	}
	defer f.Close()
	origin := record.Origin{Dataset: s.dataset.Name, Domain: s.domain.Name}
	var line []byte
	for source, err := range ahead(ctx, decode.File{Name: file.Path, Data: f, Size: file.Size}, mapping.Fields()) {
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
		_, err = out.Write(line)
		if err := errors.Join(err, s.divider.add(&mapped, group, line)); err != nil {
			return err
		}
	}
	return f.Unchanged()
}

// open opens an original: in the download's folder, or where its source has it.
func (s *splitter) open(ctx context.Context, file original, path string) (source.LocalFile, error) {
	if file.Validator == "" {
		f, err := os.Open(path)
		if err != nil {
			return nil, contract.Failf(contract.VolumeInvalid, "an original is gone from the volume: %w", err)
		}
		return finished{f}, nil
	}
	from, err := s.worker.Source(s.dataset)
	if err != nil {
		return nil, err
	}
	local, ok := from.(source.Local)
	if !ok {
		return nil, contract.Failf(contract.InvalidTask, "%s was read where its source has it, and the source is not at hand", file.Path)
	}
	f, err := local.At(ctx, file.listed())
	if contract.ReasonOf(err) == contract.FetchFailed {
		err = contract.Failf(contract.ChecksumMismatch, "%w A mix is made of the bytes that it read first: put that file back, or give the new one another path.", err)
	}
	return f, err
}

// finished is a file on the volume, which no one writes to.
type finished struct{ *os.File }

func (finished) Unchanged() error { return nil }

// drop counts a row that is left out. Without one there is no map, as in a result that was read back.
func (s *splitter) drop(reason string) {
	if s.dropped == nil {
		s.dropped = map[string]int64{}
	}
	s.dropped[reason]++
}

package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/filewriter"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/statistics"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/verify"
)

// publish assembles a revision from finished files, proves it from those files alone, and renames it. What cannot
// be proved is not published, and whatever was published before stays as it is.
func (j job) publish(ctx context.Context, unit *store.Staging) (pipeline.Result, error) {
	rev := pipeline.RevisionName(j.node.Key)
	staging, err := store.Stage(j.revision(rev))
	if err != nil {
		return pipeline.Result{}, err
	}
	defer staging.Close()
	p := publisher{
		job: j, staging: staging, list: digests{},
		proof:    verify.Options{Checksums: map[string]string{}, MadeOf: map[string]string{}, Others: map[string]verify.Other{}},
		manifest: revision.Manifest{Version: revision.ManifestVersion, Name: j.recipe.Name, Revision: rev, Recipe: j.recipe.Content(), Plan: *j.graph.Plan},
	}
	digest, err := p.assemble()
	if err != nil {
		return pipeline.Result{}, err
	}
	if err := writeJSON(unit, unitsName, keysOf(j.graph)); err != nil {
		return pipeline.Result{}, err
	}
	reads := p.bytes
	for _, other := range p.proof.Others {
		reads += other.File.Bytes
	}
	progress.Of(ctx).Begin("prove", 99, 0, reads)
	if err := prove(ctx, j, unit, staging.Folder(), p.proof); err != nil {
		return pipeline.Result{}, err
	}
	if err := j.worker.later.finish(); err != nil {
		return pipeline.Result{}, err
	}
	published := pipeline.PublishResult{Revision: rev, Digest: digest, Bytes: p.bytes, Files: p.files}
	return pipeline.Result{Publish: &published}, errors.Join(writeJSON(unit, digestsName, p.list), commitRevision(ctx, j, staging, published, p.list))
}

// unitsName is the file of a publish unit's folder with the keys of the units that the revision was built from.
const unitsName = "units.json"

func keysOf(graph pipeline.Graph) []string {
	var keys []string
	for _, step := range graph.Steps {
		for _, unit := range step.Nodes {
			keys = append(keys, unit.Key)
		}
	}
	return keys
}

// proofFolder is the folder in a publish unit's folder with the notes of the revision's proof.
const proofFolder = "proof"

// prove proves a revision before it has its name. Its notes stay, so that the next proof need not read again what this one has.
func prove(ctx context.Context, j job, unit *store.Staging, folder store.Path, options verify.Options) error {
	notes, err := unit.Path(proofFolder)
	if err != nil {
		return err
	}
	if err := store.MakeFolder(notes); err != nil {
		return err
	}
	units, keys, err := newestFirst(j, pipeline.StagePublish)
	if err != nil {
		return err
	}
	options.Notes = notes
	for _, key := range keys {
		options.Earlier = append(options.Earlier, units.Join(key, proofFolder))
	}
	if _, err = verify.At(ctx, folder, options); err != nil {
		return &unproved{err}
	}
	return nil
}

// unproved is the error of a proof that failed.
type unproved struct{ error }

func (u *unproved) Unwrap() error { return u.error }

type publisher struct {
	job      job
	staging  *store.Staging
	manifest revision.Manifest
	// list has every file of the revision as its writer knew it, for later checks of the revision.
	list digests
	// proof is what the writers of the files noted for the proof, and the rows that the revision is made of and does not hold.
	proof verify.Options
	// about is the content of statistics.json.
	about statistics.File
	bytes int64
	files int
}

// assemble writes the whole tree and returns the digest of its manifest.
func (p *publisher) assemble() (string, error) {
	p.stages()
	for _, step := range []func() error{p.fields, p.sources, p.lock, p.datasets, p.mixes, p.statistics, p.describe} {
		if err := step(); err != nil {
			return "", err
		}
	}
	encoded, err := p.manifest.Encode()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(encoded)
	p.files++
	p.bytes += int64(len(encoded))
	return hex.EncodeToString(sum[:]), p.write(revision.ManifestFile, encoded)
}

// stages adds every result so far to the manifest, under the keys of its own recipe, in which nothing is resolved anew.
func (p *publisher) stages() {
	downloads := pipeline.Downloads(p.manifest.Recipe)
	for _, step := range p.job.graph.Steps {
		for i, unit := range step.Nodes {
			finished := revision.Finished{Stage: step.Stage, Node: unit, Result: p.job.results[unit.Key].Content()}
			if step.Stage == pipeline.StageDownload {
				finished.Node = downloads[i]
			}
			if step.Stage != pipeline.StagePublish {
				p.manifest.Stages = append(p.manifest.Stages, finished)
			}
		}
	}
}

// fields adds the types of the rows' members to the manifest.
func (p *publisher) fields() (err error) {
	if p.job.recipe.Output.Layout != "" {
		p.manifest.Fields, err = typesOf(p.job)
	}
	return err
}

// lock writes what the sources were resolved to.
func (p *publisher) lock() error {
	encoded, err := revision.LockOf(p.manifest).Encode()
	if err != nil {
		return err
	}
	return p.write(revision.LockFile, encoded)
}

// sources adds the originals that were used to the manifest, including those of probes.
func (p *publisher) sources() error {
	for _, named := range p.job.recipe.Sources() {
		name := named.Name
		folder, err := p.job.input(pipeline.StageDownload, name)
		if err != nil {
			return err
		}
		done := p.job.finished.Download(name)
		origin := revision.Origin{Dataset: name, Revision: done.Revision, License: done.License}
		originals, err := readOriginals(folder, done)
		if err != nil {
			return contract.Within("data set "+name, err)
		}
		for _, o := range originals {
			origin.Files = append(origin.Files, o.OriginalFile)
		}
		p.manifest.Sources = append(p.manifest.Sources, origin)
	}
	return nil
}

// datasets links every data set's rows: all of them, per split, and the split that evaluates it alone.
func (p *publisher) datasets() error {
	for d, name := range p.job.recipe.DatasetNames() {
		_, domain, _ := p.job.recipe.Dataset(name)
		divided := *p.job.finished.Split(name)
		folder, err := p.job.input(pipeline.StageSplit, name)
		if err != nil {
			return err
		}
		if list, err := readDigests(folder); err != nil || list != nil && list.ofDataset(p.job.recipe) != divided.Digest {
			return errors.Join(err, contract.Failf(contract.VolumeInvalid, "data set %s: %s of its split is not what was reported", name, digestsName))
		}
		if p.job.recipe.Output.Holds(recipe.RawPart) {
			if err := p.linkRows(folder, rawName, divided.Read-divided.DroppedRows(), revision.RawFile(domain.Name, name)); err != nil {
				return err
			}
		}
		if dropped := divided.DroppedRows(); dropped > 0 {
			if err := p.linkRows(folder, droppedName, dropped, revision.DroppedSourceFile(domain.Name, name)); err != nil {
				return err
			}
		}
		for s := range p.job.recipe.Splits {
			if err := p.linkSplit(s, p.manifest.Plan.Splits[s].Datasets()[d]); err != nil {
				return err
			}
		}
	}
	return p.dropped()
}

// dropped links the list of the rows that a split lost because of another data set or split, if there are any.
func (p *publisher) dropped() error {
	balanced := p.job.finished.Balance()
	rows := balanced.DroppedTotal()
	if rows == 0 {
		return nil
	}
	folder, err := p.job.input(pipeline.StageBalance, p.job.recipe.Name)
	if err != nil {
		return err
	}
	return p.linkRows(folder, droppedName, rows, revision.DroppedFile)
}

// linkSplit links a data set's rows of a split. Where the revision does not hold them, they are added to its proof.
func (p *publisher) linkSplit(split int, dataset plan.Dataset) error {
	folder, name, err := p.job.processed(split, dataset.Name)
	if err != nil {
		return err
	}
	splitName := p.job.recipe.Splits[split].Name
	processed := revision.ProcessedFile(dataset.Name, splitName)
	var names []string
	if p.job.recipe.Output.Holds(recipe.ProcessedPart) {
		names = append(names, processed)
	} else {
		as, err := writtenAs(folder, name)
		if err != nil {
			return err
		}
		p.proof.Others[processed] = verify.Other{Path: folder.Join(name), File: published(processed, as, &dataset.Available)}
		p.noteChecksum(folder.Join(name), processed, as)
	}
	if splitName == p.job.recipe.EvaluationSplit() && p.job.recipe.HoldsTest() {
		names = append(names, revision.TestFile(dataset.Name, splitName))
	}
	return p.linkRows(folder, name, dataset.Available, names...)
}

func (p *publisher) mixes() error {
	step, _ := p.job.graph.Step(pipeline.StageMix)
	for i, shard := range p.job.recipe.Files() {
		name := mixedName(shard, p.job.recipe.Output.Format)
		unit := step.Nodes[i]
		mixed := p.job.results[unit.Key].Mix
		if err := p.linkRows(p.job.unit(pipeline.StageMix, unit.Key), name, mixed.Rows, revision.FileOf(shard, p.job.recipe.Output.Format)); err != nil {
			return err
		}
	}
	return p.scorers()
}

// linkRows links a file of a unit under its names in the revision.
func (p *publisher) linkRows(folder store.Path, file string, rows int64, names ...string) error {
	as, err := writtenAs(folder, file)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := p.link(folder.Join(file), name, as, rows); err != nil {
			return err
		}
	}
	return nil
}

// link links a finished file into the revision and lists it as its writer knew it.
func (p *publisher) link(from store.Path, name string, as written, rows int64) error {
	if err := p.staging.Link(from, name); err != nil {
		return err
	}
	p.noteChecksum(from, name, as)
	if as.Rows != "" {
		p.proof.MadeOf[name] = as.Rows
	}
	p.lists(name, as, &rows)
	return nil
}

// noteChecksum has the proof compare a file with the XXH64 that its writer noted. The digests of the balance stage's files are in no result:
// damage of their notes would go unnoticed, so the SHA-256 of those files is computed again.
func (p *publisher) noteChecksum(file store.Path, name string, as written) {
	folder, err := p.job.input(pipeline.StageBalance, p.job.recipe.Name)
	if err == nil && file.Rel(folder) == file.Rel(p.job.worker.path(".")) {
		p.proof.Checksums[name] = as.XXH64
	}
}

// write publishes a small file and lists it.
func (p *publisher) write(name string, content []byte) error {
	as := filewriter.WrittenOf(content)
	if name == revision.ManifestFile {
		p.list[name] = as
	} else {
		p.lists(name, as, nil)
	}
	return p.staging.WriteFile(name, content)
}

// lists lists a file of the revision; rows is nil for one that has none.
func (p *publisher) lists(name string, as written, rows *int64) {
	p.list[name] = as
	p.manifest.Files = append(p.manifest.Files, published(name, as, rows))
	p.files++
	p.bytes += as.Bytes
}

func published(name string, as written, rows *int64) revision.PublishedFile {
	return revision.PublishedFile{Path: name, Bytes: as.Bytes, Rows: rows, SHA256: as.SHA256}
}

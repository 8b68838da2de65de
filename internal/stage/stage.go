// Package stage builds the units of a mix: it downloads, splits, balances, mixes and publishes. Each unit reads finished folders and writes one.
// It is the only package that joins sources, decoders, records and the volume.
package stage

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/hashing"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/progress"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Worker builds units of a mix on a volume.
type Worker struct {
	// Volume is where the claim is mounted.
	Volume string
	// Source returns the source of a data set, with its credentials.
	Source func(recipe.Dataset) (source.Source, error)
	// Lock pins the bytes that sources resolve to; the zero value pins none.
	Lock revision.Lock
	// Lacks is called once with what the volume cannot do and a build can do without; it may be nil.
	Lacks func(what string)
	// Anew resolves floating sources again, whatever an earlier build found.
	Anew bool
	// Notice looks at the files of sources at hand before a finished download is reused, and reads them again if one has changed.
	Notice bool

	// Meter returns a meter for the work of a unit that begins; nil counts nothing. Several goroutines may call it.
	Meter func(pipeline.Stage, pipeline.Node) *progress.Meter

	// proofs are the digests of the originals that this process has read.
	proofs *hashing.Proofs
	// volume is open while units are built.
	volume *store.Volume
	// suits probes the volume, once.
	suits func() error
	// present is the sign on the volume that this process builds all stages of a mix.
	present *store.Presence
	// begun are the splits whose rows were read while their originals were hashed.
	begun *begunSplits
	// later are the units that this process has finished and not yet made durable; nil commits each unit at once.
	later *pendingCommits
	// damaged are the keys of units that this process found damaged, and removed.
	damaged map[string]bool
}

// Job is one unit to build, with all that it may depend on.
type Job struct {
	Recipe  recipe.Recipe
	Results map[string]pipeline.Result
	Stage   pipeline.Stage
	Unit    pipeline.Node
	// Again names a request to build the unit even if it is finished; empty means none.
	Again string
	// Keep is what a publication leaves on the volume in addition to what the recipe keeps.
	Keep contract.Keep
}

// job is a Job with its graph and its places on the volume.
type job struct {
	recipe  recipe.Recipe
	results map[string]pipeline.Result
	stage   pipeline.Stage
	node    pipeline.Node
	again   string
	keep    contract.Keep

	worker *Worker
	graph  pipeline.Graph
	// finished are the results of the graph's finished nodes.
	finished pipeline.Results
	folder   revision.Folder
	// careful compares each original with its digest before its rows are read, not at the same time, because one was damaged.
	careful bool
	// begun is this split, if its rows were read already; else nil.
	begun *splitter
	// replaces reports that the unit takes the place of a finished one that must not be used any more.
	replaces bool
}

// Run builds a unit, or finds it finished, and returns its result. A failure carries its reason.
func (w *Worker) Run(ctx context.Context, todo Job) (pipeline.Result, error) {
	result, _, err := w.run(ctx, todo)
	return result, err
}

// run does what Run does, and returns how the unit came to its result.
func (w *Worker) run(ctx context.Context, todo Job) (pipeline.Result, Way, error) {
	graph, err := pipeline.Walk(todo.Recipe, todo.Results)
	if err != nil {
		return pipeline.Result{}, Way{}, contract.Failf(reasonOfWalk(err), "%w", err)
	}
	own, unmount, err := w.mounted(todo.Recipe)
	if err != nil {
		return pipeline.Result{}, Way{}, err
	}
	defer unmount()
	if own.Meter != nil {
		ctx = progress.With(ctx, own.Meter(todo.Stage, todo.Unit))
	}
	j := job{
		recipe: todo.Recipe, results: todo.Results, stage: todo.Stage, node: todo.Unit, again: todo.Again, keep: todo.Keep,
		worker: own, graph: graph, finished: graph.Results(todo.Results), folder: revision.Folder(todo.Recipe.Output.Path),
	}
	final := j.final()
	result, way, err := j.found(ctx, final)
	if err != nil {
		return pipeline.Result{}, way, err
	}
	j.replaces = way.How == ReadAgain || way.How == Repaired
	switch {
	case way.How != Reused:
	case todo.Stage == pipeline.StagePublish: // a lost worker may not have reached the last steps
		return result, way, j.conclude(result.Publish.Revision)
	default:
		if err := store.Touch(final); !errors.Is(err, fs.ErrNotExist) {
			return result, way, err
		}
		way = Way{How: Built} // it was found damaged meanwhile, and removed
	}
	result, err = j.make(ctx, final)
	return result, way, err
}

// found looks for the finished unit. It returns its result, and whether that result is reused or why not.
func (j job) found(ctx context.Context, final store.Path) (result pipeline.Result, way Way, err error) {
	err = store.ReadJSON(final.Join(revision.ResultFile), &result)
	switch {
	case contract.ReasonOf(err) == contract.VolumeInvalid || err == nil && !result.Only(j.stage):
		return result, Way{How: Repaired, Why: revision.ResultFile + " is not what it was"}, nil
	case err == nil:
		way, err = inspection{j}.way(ctx, final, result)
		return result, way, err
	case errors.Is(err, fs.ErrNotExist):
		return result, Way{How: Built}, nil
	default:
		return result, Way{How: Built}, err
	}
}

// make builds the unit, after a check that the volume can do what a build needs. If an original is found damaged, its rows may be among those
// that were written, so the unit is built once more.
func (j job) make(ctx context.Context, final store.Path) (pipeline.Result, error) {
	if err := j.worker.suits(); err != nil {
		return pipeline.Result{}, err
	}
	result, err := j.attempt(ctx, final)
	if _, changed := errors.AsType[*damaged](err); changed {
		j.careful = true
		return j.attempt(ctx, final)
	}
	return result, err
}

// attempt builds the unit in a staging folder and renames the folder.
func (j job) attempt(ctx context.Context, final store.Path) (pipeline.Result, error) {
	staging, err := j.begin(final)
	if err != nil {
		return pipeline.Result{}, err
	}
	defer staging.Close()
	result, err := j.build(ctx, staging)
	switch {
	case err == nil:
		return result, j.finish(staging, result)
	case j.worker.later != nil: // others are being built in this process, from units that a diagnosis may remove
		return pipeline.Result{}, &undiagnosed{err, j}
	default:
		return pipeline.Result{}, diagnosis{j}.diagnose(ctx, err)
	}
}

func reasonOfWalk(err error) contract.Reason {
	if _, ok := errors.AsType[*plan.InfeasibleError](err); ok {
		return contract.InfeasibleMix
	}
	if _, ok := errors.AsType[*pipeline.DriftError](err); ok {
		return contract.SourceDrifted
	}
	if _, ok := errors.AsType[*recipe.LicenseError](err); ok {
		return contract.LicenseRefused
	}
	return contract.InvalidTask
}

func (j job) build(ctx context.Context, staging *store.Staging) (pipeline.Result, error) {
	switch j.stage {
	case pipeline.StageDownload:
		return downloader{j}.download(ctx, staging)
	case pipeline.StageSplit:
		return j.split(ctx, staging)
	case pipeline.StageBalance:
		return j.balance(ctx, staging)
	case pipeline.StageMix:
		return j.mix(ctx, staging)
	case pipeline.StagePublish:
		return j.publish(ctx, staging)
	default:
		return pipeline.Result{}, contract.Failf(contract.InvalidTask, "there is no stage %q", j.stage)
	}
}

// begin begins the unit's folder, or takes the folder of a split whose rows were read already. What a killed download left stays until this
// download is done, since it continues with the originals there.
func (j *job) begin(final store.Path) (*store.Staging, error) {
	switch j.stage {
	case pipeline.StageDownload:
		return store.Begin(final)
	case pipeline.StageSplit:
		if j.begun = j.worker.begun.take(j.node.Name); j.begun != nil {
			return j.begun.staging.As(final), nil
		}
	}
	return store.Stage(final)
}

// finish writes the result into the unit's folder and renames the folder.
func (j job) finish(staging *store.Staging, result pipeline.Result) error {
	if err := writeJSON(staging, revision.ResultFile, result); err != nil {
		return err
	}
	if j.again != "" {
		if err := staging.WriteFile(againName, []byte(j.again)); err != nil {
			return err
		}
	}
	switch {
	case j.replaces:
		if err := errors.Join(newRetention(j).leave(j.final()), staging.Replace()); err != nil {
			return err
		}
	case j.stage != pipeline.StagePublish:
		if err := j.worker.commit(staging); err != nil {
			return err
		}
	default:
		if err := staging.Commit(); err != nil {
			return err
		}
	}
	switch j.stage {
	case pipeline.StageDownload:
		return newRetention(j).removeSuperseded()
	case pipeline.StagePublish:
		return j.conclude(result.Publish.Revision)
	default:
		return nil
	}
}

// conclude points the mix's link at a published revision, and removes what is no longer needed.
func (j job) conclude(rev string) error {
	if err := j.swap(rev); err != nil {
		return err
	}
	return errors.Join(newRetention(j).prune(), newRetention(j).release())
}

func writeJSON(staging *store.Staging, name string, value any) error {
	encoded, err := revision.EncodeJSON(value)
	if err != nil {
		return err
	}
	return staging.WriteFile(name, encoded)
}

// mounted returns the worker with its volume open, until unmount is called by whoever opened it.
func (w *Worker) mounted(r recipe.Recipe) (own *Worker, unmount func(), err error) {
	if w.volume != nil {
		return w, func() {}, nil
	}
	copied := *w
	own = &copied
	own.proofs = &hashing.Proofs{}
	own.volume, err = store.Make(w.Volume)
	own.suits = sync.OnceValue(func() error { return own.probe(r.Output.Path) })
	return own, func() { own.volume.Close() }, err // it was only looked at
}

// probe fails where the volume cannot do what a build needs, and reports what else it cannot do.
func (w *Worker) probe(folder string) error {
	lacks, err := store.Probe(w.path(folder))
	for _, what := range lacks {
		if w.Lacks != nil {
			w.Lacks(what)
		}
	}
	return err
}

// path returns the place of a name on the volume.
func (w *Worker) path(name string) store.Path { return w.volume.Path(name) }

// final returns the place of the unit itself.
func (j job) final() store.Path { return j.worker.path(j.folder.Node(j.stage, j.node.Key)) }

// revision returns the folder of a revision.
func (j job) revision(name string) store.Path { return j.worker.path(j.folder.Revision(name)) }

// unit returns the folder of a unit.
func (j job) unit(stage pipeline.Stage, key string) store.Path {
	return j.worker.later.at(j.worker.path(j.folder.Node(stage, key)))
}

// input returns the folder of a finished unit of an earlier stage.
func (j job) input(stage pipeline.Stage, name string) (store.Path, error) {
	if node, reached := j.graph.Node(stage, name); reached {
		return j.unit(stage, node.Key), nil
	}
	return store.Path{}, contract.Failf(contract.InvalidTask, "the task has no result of stage %s for %s", stage, name)
}

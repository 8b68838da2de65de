package stage

import (
	"context"
	"fmt"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/store"
)

// Way is how a unit came to its result.
type Way struct {
	How How
	// Why is the reason why a finished unit was not reused; empty where a rebuild was requested, or where no finished unit existed.
	Why string
}

// How is a Way in one word.
type How string

// A unit was built, was found finished, was finished and read again from its source, or was damaged and built again.
const (
	Built     How = "built"
	Reused    How = "reused"
	ReadAgain How = "read again"
	Repaired  How = "repaired"
)

// inspection judges the finished unit that has the place of a job's.
type inspection struct{ job job }

// mostChanges is how many files a Way names.
const mostChanges = 4

// notice returns what has changed of the files at hand since a finished download has read them, "" if nothing has. It compares size, time and
// inode; the files are not read for it.
func (i inspection) notice(ctx context.Context, final store.Path, done *pipeline.DownloadResult) (string, error) {
	if _, locked := i.job.worker.Lock.Source(i.job.node.Name); !i.job.worker.Notice || i.job.stage != pipeline.StageDownload || locked {
		return "", nil
	}
	named, _ := i.job.recipe.Source(i.job.node.Name)
	from, err := i.job.worker.Source(recipe.Dataset{Name: named.Name, Source: named.Source})
	if err != nil {
		return "", err
	}
	if _, local := from.(source.Local); !local {
		return "", nil
	}
	before, err := readOriginals(final, done)
	if err != nil {
		return "", err
	}
	listing, err := from.Resolve(ctx)
	if err != nil {
		return "", contract.Within("data set "+named.Name+", which an earlier build has read, and whose revisions stay as they are", err)
	}
	return changes(before, listing.Files), nil
}

// changes compares the files that were read with those that are there, in the words of a message.
func changes(before []original, now []source.File) string {
	was := make(map[string]original, len(before))
	for _, o := range before {
		was[o.Path] = o
	}
	var said []string
	for _, file := range now {
		o, known := was[file.Path]
		delete(was, file.Path)
		switch {
		case !known:
			said = append(said, file.Path+" is new")
		case o.Size != file.Size || o.Validator != file.Validator:
			said = append(said, file.Path+" was changed")
		case o.Inode != 0 && file.Inode != 0 && o.Inode != file.Inode:
			said = append(said, file.Path+" was replaced")
		}
	}
	for _, o := range before {
		if _, gone := was[o.Path]; gone {
			said = append(said, o.Path+" is gone")
		}
	}
	if more := len(said) - mostChanges; more > 0 {
		said = append(said[:mostChanges], fmt.Sprintf("%d more files differ", more))
	}
	return strings.Join(said, ", ")
}

// way returns whether a finished unit is reused, or its source is read again.
func (i inspection) way(ctx context.Context, final store.Path, result pipeline.Result) (Way, error) {
	if !i.isCurrent(final, result) {
		return Way{How: ReadAgain}, nil
	}
	why, err := i.broken(ctx, final, result)
	if err != nil || why != "" {
		return Way{How: Repaired, Why: why}, err
	}
	why, err = i.notice(ctx, final, result.Download)
	if err != nil || why == "" {
		return Way{How: Reused}, err
	}
	return Way{How: ReadAgain, Why: why}, nil
}

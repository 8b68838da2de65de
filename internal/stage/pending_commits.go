package stage

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/datasetmix/datasetmix/internal/store"
)

// pendingCommits holds the finished units of one process that are being made durable. Until then they do not have their final names, so a machine
// that stops leaves nothing half-made under one; the process that made them reads them where they are.
type pendingCommits struct {
	mutex   sync.Mutex
	units   map[store.Path]*pendingCommit // by final name
	syncing sync.WaitGroup
}

// mostPending bounds the number of units: each has an open folder, which is its lock.
const mostPending = 32

type pendingCommit struct {
	staging *store.Staging
	err     error // of bringing it to the disk
}

// commit makes a finished unit durable and renames it: at once, or while others are built.
func (w *Worker) commit(staging *store.Staging) error {
	if w.later == nil {
		return staging.Commit()
	}
	w.later.mutex.Lock()
	defer w.later.mutex.Unlock()
	if len(w.later.units) == mostPending {
		return staging.Commit()
	}
	unit := &pendingCommit{staging: staging.Keep()}
	w.later.units[unit.staging.Final()] = unit
	w.later.syncing.Go(func() { unit.err = unit.staging.Sync() })
	return nil
}

// at returns where the folder of a finished unit is now.
func (l *pendingCommits) at(final store.Path) store.Path {
	if l == nil {
		return final
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if unit, ok := l.units[final]; ok {
		return unit.staging.Folder()
	}
	return final
}

// finish waits until all units are durable and renames them. No other goroutine may be reading them.
func (l *pendingCommits) finish() error {
	if l == nil {
		return nil
	}
	l.syncing.Wait()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var errs []error
	for _, final := range slices.SortedFunc(maps.Keys(l.units), func(a, b store.Path) int { return strings.Compare(a.String(), b.String()) }) {
		unit := l.units[final]
		if unit.err == nil {
			unit.err = unit.staging.Settle()
		}
		errs = append(errs, unit.err, unit.staging.Close())
	}
	clear(l.units)
	return errors.Join(errs...)
}

package follow

import (
	"bufio"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/live"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/progress"
)

// Cluster follows a build on a cluster: its stages by the status of the mix, its units by the logs of the pods, as far as the user may read
// them.
type Cluster struct {
	client *kube.Client

	mutex  sync.Mutex
	mix    *datav1alpha1.DatasetMix
	failed bool
	units  []*loggedUnit
	notes  []string
	seen   map[string]bool // pods whose log is being read, or was read
}

// loggedUnit is a unit, as the log of its worker shows it.
type loggedUnit struct {
	stage, name string
	last        progress.Line
	began       live.Began
	shown       live.Unit
}

// NewCluster returns the follower of a mix.
func NewCluster(client *kube.Client) *Cluster {
	return &Cluster{client: client, seen: map[string]bool{}}
}

// See sets the newest version of the mix.
func (c *Cluster) See(mix *datav1alpha1.DatasetMix) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.mix != nil && c.mix.Generation != mix.Generation {
		c.units = nil // they were of another build
	}
	c.mix = mix
}

// Fail notes that the mix will not become ready.
func (c *Cluster) Fail() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.failed = true
}

// podsEvery is the time between two lists of the pods.
const podsEvery = 2 * time.Second

// ReadLogs reads the logs of the mix's pods, each as soon as it runs, until the context ends. A right that the user lacks becomes a note.
func (c *Cluster) ReadLogs(ctx context.Context) {
	var reading sync.WaitGroup
	defer reading.Wait()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for ctx.Err() == nil {
		if mix := c.current(); mix != nil {
			pods, err := c.client.Pods(ctx, mix)
			if c.refused(err) {
				return
			}
			for _, pod := range pods {
				if c.take(pod) {
					reading.Go(func() { c.readLog(ctx, pod, stop) })
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(podsEvery):
		}
	}
}

func (c *Cluster) current() *datav1alpha1.DatasetMix {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.mix
}

// refused reports whether an error is a right that the user lacks, and notes it.
func (c *Cluster) refused(err error) bool {
	forbidden := (*kube.ForbiddenError)(nil)
	if !errors.As(err, &forbidden) {
		return false
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if note := forbidden.Error(); !slices.Contains(c.notes, note) {
		c.notes = append(c.notes, note)
	}
	return true
}

// take reports whether a pod has a log that is not read yet, and marks it as read.
func (c *Cluster) take(pod corev1.Pod) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if pod.Status.Phase == corev1.PodPending || pod.Status.Phase == "" || c.seen[pod.Name] {
		return false
	}
	c.seen[pod.Name] = true
	return true
}

// tail is the number of earlier lines of a log that are read: enough for the last line of each unit of a pod that builds several.
const tail = 400

// longestLine is the number of bytes that a line of progress may have; longer lines of a log are skipped.
const longestLine = 64 << 10

// readLog takes the lines of progress of a pod. A log that cannot be read now is tried again with the next list of pods.
func (c *Cluster) readLog(ctx context.Context, pod corev1.Pod, stop context.CancelCauseFunc) {
	log, err := c.client.Log(ctx, pod.Name, &corev1.PodLogOptions{Follow: true, TailLines: ptr.To[int64](tail)})
	if c.refused(err) {
		stop(err)
		return
	}
	if err != nil {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		delete(c.seen, pod.Name)
		return
	}
	defer func() { _ = log.Close() }()
	lines := bufio.NewReaderSize(log, longestLine)
	for {
		text, long, err := lines.ReadLine()
		if err != nil {
			return
		}
		if line, ok := progress.Parse(text); ok && !long {
			c.tell(line)
		}
	}
}

// tell handles a line of progress.
func (c *Cluster) tell(line progress.Line) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var of *loggedUnit
	if i := slices.IndexFunc(c.units, func(u *loggedUnit) bool { return u.stage == line.Stage && u.name == line.Unit }); i >= 0 {
		of = c.units[i]
	} else {
		of = &loggedUnit{stage: line.Stage, name: line.Unit}
		c.units = append(c.units, of)
		slices.SortStableFunc(c.units, func(a, b *loggedUnit) int { return strings.Compare(a.name, b.name) })
	}
	if line.Time.Before(of.last.Time) {
		return // a line of an earlier attempt, whose log is read later
	}
	of.last = line
	of.shown = of.began.Measure(of.name, progress.Snapshot{Phase: line.Phase, Rows: line.Rows, OfRows: line.OfRows, Bytes: line.Bytes, OfBytes: line.OfBytes, Percent: line.Percent}, line.Time)
}

// State returns the progress of the build.
func (c *Cluster) State(now time.Time) live.Build {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	mix := c.mix
	if mix == nil {
		return live.Build{State: "waiting for the cluster", Outcome: live.Running}
	}
	b := live.Build{Name: mix.Namespace + "/" + mix.Name, State: view.State(mix), Outcome: live.Running, Notes: slices.Clone(c.notes)}
	ready := apimeta.IsStatusConditionTrue(mix.Status.Conditions, datav1alpha1.ConditionReady)
	current := ptr.Deref(mix.Status.ObservedGeneration, -1) == mix.Generation
	switch {
	case c.failed:
		b.Outcome = live.Failed
	case ready && current:
		b.Outcome = live.Done
		b.State += ", revision " + mix.Status.Published.Revision
	}
	if summary := mix.Status.Summary; summary != nil {
		b.AtLeast = int(summary.Percent)
		if end := summary.EstimatedCompletionTime; end != nil {
			b.Left = end.Sub(now)
		}
	}
	var first, last time.Time
	for _, status := range mix.Status.Stages {
		b.Stages = append(b.Stages, c.stage(status, now))
		if status.StartTime != nil && (first.IsZero() || status.StartTime.Time.Before(first)) {
			first = status.StartTime.Time
		}
		if status.CompletionTime != nil {
			last = status.CompletionTime.Time
		}
	}
	if condition := apimeta.FindStatusCondition(mix.Status.Conditions, datav1alpha1.ConditionReconciling); condition != nil {
		first, last = condition.LastTransitionTime.Time, now
	}
	b.Elapsed = max(0, last.Sub(first))
	return b
}

// stage returns a stage by its status, with the units that the logs name.
func (c *Cluster) stage(status datav1alpha1.StageStatus, now time.Time) live.Stage {
	of := live.Stage{Name: status.Name, Done: int(ptr.Deref(status.Done, 0)), Total: int(ptr.Deref(status.Total, 0))}
	switch status.State {
	case datav1alpha1.StageSucceeded:
		of.Outcome = live.Done
	case datav1alpha1.StageFailed:
		of.Outcome = live.Failed
	case datav1alpha1.StageRunning, datav1alpha1.StageRetrying:
		of.Outcome = live.Running
	}
	if status.StartTime != nil {
		end := now
		if status.CompletionTime != nil {
			end = status.CompletionTime.Time
		}
		of.Took = max(0, end.Sub(status.StartTime.Time))
	}
	done := 0
	for _, unit := range c.units {
		if unit.stage != status.Name {
			continue
		}
		shown := unit.shown
		if of.Outcome == live.Done {
			shown.Outcome = live.Done
		}
		if shown.Outcome == live.Done {
			done++
		} else if of.Outcome == live.Waiting {
			of.Outcome = live.Running // one pod builds several stages, and only the first of them has a Job
		}
		of.Units = append(of.Units, shown)
	}
	of.Done = max(of.Done, done)
	return of
}

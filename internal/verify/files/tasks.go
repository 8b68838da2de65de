package files

import (
	"cmp"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// Check is what is checked of one file besides its bytes. The zero value checks nothing more.
type Check struct {
	// Format of the rows; empty is lines as they are.
	Format recipe.Format
	// Each checks the rows, unless nil.
	Each EachRow
	// Whole checks a file as a whole, in place of its rows.
	Whole func(from *io.SectionReader) error
	// After is called when the file was found as it should be.
	After func() error
	// Close is called last, whatever was found.
	Close func()
}

// Task is one file to read. Names of the same file on the volume are one task.
type Task struct {
	check Check
	file  revision.PublishedFile
	same  []revision.PublishedFile
	info  fs.FileInfo
}

// Hashed returns tasks that check the bytes alone.
func Hashed(tasks []Task) []Task {
	tasks = slices.Clone(tasks)
	for i := range tasks {
		tasks[i].check = Check{Close: tasks[i].check.Close}
	}
	return tasks
}

// Tasks returns the files to read, first all others and then the mixed ones, with their checks. A file that is listed under two names, as those
// that evaluate a data set are, is read once.
func (s *Set) Tasks(single, mixed map[string]Check) (first, last []Task) {
	var tasks []*Task
	sizes := map[int64][]*Task{} // the tasks that a file may be the same as
	for _, file := range s.All() {
		info := s.infos[file.Path]
		check, checked := single[file.Path]
		if !checked {
			check, checked = mixed[file.Path]
		}
		same := slices.IndexFunc(sizes[info.Size()], func(t *Task) bool { return os.SameFile(t.info, info) })
		if same >= 0 && !checked {
			t := sizes[info.Size()][same]
			t.same = append(t.same, file)
			continue
		}
		t := &Task{check: check, file: file, info: info}
		sizes[info.Size()] = append(sizes[info.Size()], t)
		tasks = append(tasks, t)
	}
	for _, t := range tasks {
		if _, later := mixed[t.file.Path]; later {
			last = append(last, *t)
		} else {
			first = append(first, *t)
		}
	}
	return first, last
}

// ReadAll does tasks on all processors, large ones first, and returns the first error in the order of the manifest, so that a difference has the
// same message every time.
func (s *Set) ReadAll(tasks []Task) error {
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
			errs[i] = s.do(tasks[i])
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
		s.Read += 1 + len(task.same)
		s.Bytes += task.file.Bytes * int64(1+len(task.same))
	}
	return nil
}

func (s *Set) do(t Task) error {
	if t.check.Close != nil {
		defer t.check.Close()
	}
	if err := s.read(t); err != nil {
		return err
	}
	for _, file := range t.same {
		if file.Bytes != t.file.Bytes || file.SHA256 != t.file.SHA256 {
			return Differ("%s was changed: its SHA-256 is %s, the manifest says %s", file.Path, t.file.SHA256, file.SHA256)
		}
	}
	if t.check.After == nil {
		return nil
	}
	return t.check.After()
}

func (s *Set) read(t Task) error {
	if t.check.Whole != nil {
		return s.entire(t.file, t.check.Whole)
	}
	if t.check.Format == "" || t.check.Format == recipe.JSONL {
		return s.pass(t.file, t.check.Each)
	}
	return s.packed(t.file, t.check.Format, t.check.Each)
}

package verify

import (
	"cmp"
	"slices"

	"github.com/datasetmix/datasetmix/internal/extsort"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// rows: every file has the bytes that the manifest states; every data set and every split holds the rows that the plan says;
// mixed files hold what the recipe makes of those, and no question stands in two splits.
//
// Two passes: first the files of single data sets, then the mixed ones, whose rows must be the bytes of the first. Memory is
// bounded: what has to be compared across files is sorted, through scratch files where it does not fit.
func (v *verifier) rows() error {
	v.questions = extsort.New(v.notes.Scratch, questionSize, questionMemory)
	v.sorters = append(v.sorters, v.questions)
	single := map[string]task{}
	for place, name := range v.manifest.Recipe.DatasetNames() {
		d := v.newDataset(place, name)
		v.datasets = append(v.datasets, d)
		if d.raw.file != "" {
			single[d.raw.file] = task{each: d.raw.row, after: d.raw.end}
		}
		if d.left != nil {
			single[d.left.file] = task{each: d.left.row, after: d.left.end}
		}
		for _, c := range d.splits {
			if c.file != "" {
				single[c.file] = task{each: c.row, after: c.end}
			}
		}
	}
	v.beginNumbers()
	mixed, err := v.mixedTasks()
	if err != nil {
		return err
	}
	tasks := v.tasks(single, mixed)
	compare, err := v.readSingle(tasks)
	if err != nil {
		return err
	}
	second := slices.DeleteFunc(slices.Clone(tasks), func(t task) bool { return !has(mixed, t) })
	if err := compared(compare, func() error { return v.readAll(second) }); err != nil {
		return err
	}
	for _, export := range v.made {
		if err := export.last(); err != nil {
			return err
		}
	}
	if v.partial {
		if err := v.together(); err != nil {
			return err
		}
	}
	if v.unasked.Load() {
		v.proof.Questions = nil
	}
	return v.evaluation()
}

func has(checks map[string]task, t task) bool {
	_, ok := checks[t.file.Path]
	return ok
}

// hashed are tasks of which the bytes alone are looked at.
func hashed(tasks []task) []task {
	tasks = slices.Clone(tasks)
	for i := range tasks {
		tasks[i].each, tasks[i].after = nil, nil
	}
	return tasks
}

// compared compares what was read while the next files are read, and gives the error of the comparison first.
func compared(compare, read func() error) error {
	found := make(chan error, 1)
	go func() { found <- compare() }()
	err := read()
	return cmp.Or(<-found, err)
}

// readSingle reads all files but the mixed ones, and gives what is then to be compared of them. Where an earlier proof has compared the
// rows of files with the same digests, only their bytes are looked at: once they are what the manifest says, what it found is true of them.
func (v *verifier) readSingle(tasks []task) (compare func() error, err error) {
	nothing := func() error { return nil }
	tasks = slices.DeleteFunc(slices.Clone(tasks), func(t task) bool { return t.mixed })
	subject := v.subject()
	if known, ok := v.recall(subject); ok && !v.partial {
		v.proof.Questions, v.recalled = known.Questions, true
		return nothing, v.readAll(hashed(tasks))
	}
	if err := v.gone(); err != nil {
		return nil, err
	}
	for _, d := range v.datasets {
		if err := d.raw.begin(); err != nil {
			return nil, err
		}
	}
	if err := v.readAll(tasks); err != nil || v.partial {
		return nothing, err
	}
	return func() error {
		if err := v.together(); err != nil {
			return err
		}
		return v.remember(subject)
	}, nil
}

// together compares what the files of single data sets have with one another: each row is there once, and no question in two splits. Where rows of
// a split are in mixed files alone, those are read before.
func (v *verifier) together() error {
	if err := v.dividedRows(); err != nil {
		return err
	}
	if err := v.sides(); err != nil {
		return err
	}
	for _, d := range v.datasets {
		if err := d.whole(); err != nil {
			return err
		}
	}
	return nil
}

// evaluation: the files that evaluate each data set alone are the split's own.
func (v *verifier) evaluation() error {
	split := v.manifest.Recipe.EvaluationSplit()
	if !v.manifest.Recipe.HoldsTest() {
		return nil
	}
	for _, dataset := range v.manifest.Recipe.DatasetNames() {
		test, processed := revision.TestFile(dataset, split), revision.ProcessedFile(dataset, split)
		rows, ok := v.files[processed]
		if other, at := v.options.Others[processed]; !ok && at {
			rows, ok = other.File, true
		}
		if ok && v.files[test].SHA256 != rows.SHA256 {
			return differ("%s does not hold data set %s's rows of split %s", test, dataset, split)
		}
	}
	return nil
}

package source

import (
	"cmp"
	"context"
)

// Options are how the files of a source are read, whatever its kind; a zero field is its default.
type Options struct {
	// MaxFile is the most bytes of one file; a file that is longer, or says so, is refused. The default is 1 TiB.
	MaxFile int64
	// Retry is how often and how long to try again.
	Retry Policy
	// Progress receives how many bytes have arrived since its last call, including those that arrive twice. It is called often, and
	// concurrently when files are read concurrently. By default it is not reported.
	Progress func(bytes int64)
}

// Wrap returns a kind of source with what all kinds need around it: judged listings, retries, and readers that resume.
func Wrap(kind Source, o Options) Source {
	o.MaxFile = cmp.Or(o.MaxFile, 1<<40)
	if o.Progress == nil {
		o.Progress = func(int64) {}
	}
	policy := o.Retry.withDefaults()
	s := &resuming{inner: &retrying{inner: judged{kind}, policy: policy}, policy: policy, maxFile: o.MaxFile, progress: o.Progress}
	switch kind := kind.(type) {
	case Local:
		return &local{resuming: s, kind: kind}
	case Ranged:
		return &parallel{resuming: s, kind: kind, part: partSize}
	default:
		return s
	}
}

// local reads files on this machine.
type local struct {
	*resuming
	kind Local
}

func (l *local) At(ctx context.Context, f File) (LocalFile, error) { return l.kind.At(ctx, f) }

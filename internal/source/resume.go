package source

import (
	"context"
	"errors"
	"io"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// resuming returns readers that resume where a connection broke, and that hold a file to its listed size.
type resuming struct {
	inner    Source
	policy   Policy
	maxFile  int64
	progress func(bytes int64)
}

func (s *resuming) Resolve(ctx context.Context) (Listing, error) { return s.inner.Resolve(ctx) }

func (s *resuming) Open(ctx context.Context, f File, offset int64) (io.ReadCloser, error) {
	if f.Size >= 0 && offset == f.Size {
		return io.NopCloser(eof{}), nil // a server has nothing to answer to a range of no bytes
	}
	if f.Size > s.maxFile {
		return nil, tooLarge(f, s.maxFile)
	}
	body, err := s.inner.Open(ctx, f, offset)
	if err != nil {
		return nil, err
	}
	return &resumed{
		file: f, maxFile: s.maxFile, at: offset, body: body, progress: s.progress, attempts: s.policy.Attempts,
		reopen: func(at int64) (io.ReadCloser, error) { return s.inner.Open(ctx, f, at) },
		worth:  func(err error) bool { return worthRetrying(ctx, err) },
		pause:  func(n int, err error) error { return s.policy.pause(ctx, n, err) },
	}, nil
}

func tooLarge(f File, most int64) error {
	return contract.Failf(contract.InvalidData, "%s has more than %d bytes, and no file may have more. Split it into several.", f.Path, most)
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// resumed reads one file through as many connections as it takes.
type resumed struct {
	file     File
	maxFile  int64
	at       int64         // offset of the next byte
	body     io.ReadCloser // nil after a break
	failures int           // breaks since the last byte
	slow     int           // breaks of transfers that brought next to nothing: those bytes are no progress
	err      error         // the last break, or the end of all

	attempts int
	reopen   func(at int64) (io.ReadCloser, error)
	worth    func(error) bool
	pause    func(failures int, err error) error
	progress func(bytes int64)
}

// Read returns bytes or an error that is final: either the file has ended at its size, or going on is of no use.
func (r *resumed) Read(p []byte) (int, error) {
	for {
		if r.body == nil {
			if err := r.goOn(); err != nil {
				return 0, err
			}
		}
		n, err := r.body.Read(p)
		r.at += int64(n)
		if n > 0 {
			r.failures = 0
			r.progress(int64(n))
		}
		if r.file.Size >= 0 && r.at > r.file.Size {
			return n, contract.Failf(contract.ChecksumMismatch,
				"%s is longer than the %d bytes it was listed with.", r.file.Path, r.file.Size)
		}
		if r.at > r.maxFile {
			return n, tooLarge(r.file, r.maxFile)
		}
		if err == nil {
			return n, nil
		}
		if errors.Is(err, io.EOF) {
			if r.file.Size < 0 || r.at == r.file.Size {
				return n, io.EOF
			}
			err = contract.Failf(contract.FetchFailed,
				"%s ended after %d of %d bytes.", r.file.Path, r.at, r.file.Size)
		}
		r.broke(err)
		if n > 0 {
			return n, nil
		}
	}
}

func (r *resumed) broke(err error) {
	_ = r.body.Close() // it failed already
	r.body, r.err = nil, err
	r.failures++
	if errors.Is(err, ErrSlow) {
		r.slow++
		r.failures = max(r.failures, r.slow)
	}
}

// goOn opens the file again where it broke.
func (r *resumed) goOn() error {
	if !r.worth(r.err) {
		return r.err
	}
	if r.failures >= r.attempts {
		return gaveUp(r.err, r.failures)
	}
	if err := r.pause(max(r.failures, 1), r.err); err != nil {
		return err
	}
	body, err := r.reopen(r.at)
	if err != nil {
		r.err, r.failures = err, r.attempts // the opening was retried already
		return err
	}
	r.body = body
	return nil
}

func (r *resumed) Close() error {
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}

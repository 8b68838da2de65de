package rows

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// MostInLog is how many bytes an answer in a pod's log may have. A kubelet keeps 10 MiB of a log by default, with a time and a stream
// before each line, and drops the oldest lines beyond that.
const MostInLog = 4 << 20

// The lines of an answer in a log begin with one of these; all other lines are the worker's log.
const (
	linePrefix = "| "
	endPrefix  = "= "
)

// end is the last line of an answer in a log: without it, or with other bytes before it, the answer is not whole.
type end struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// InLog writes an answer as lines of a log. Close ends it.
type InLog struct {
	out    *bufio.Writer
	sum    Sum
	inLine bool
}

// NewInLog begins an answer.
func NewInLog(out io.Writer) *InLog {
	return &InLog{out: bufio.NewWriterSize(out, 64<<10), sum: *NewSum(io.Discard)}
}

// Write appends bytes of the answer.
func (l *InLog) Write(p []byte) (int, error) {
	_, _ = l.sum.Write(p)
	for line := range bytes.Lines(p) {
		if !l.inLine {
			_, _ = l.out.WriteString(linePrefix) // an error stays until the flush
		}
		_, _ = l.out.Write(line)
		l.inLine = line[len(line)-1] != '\n'
	}
	return len(p), nil
}

// Close writes the last line.
func (l *InLog) Close() error {
	if l.inLine {
		_ = l.out.WriteByte('\n')
	}
	encoded, err := json.Marshal(end{l.sum.bytes, l.sum.Digest()})
	if err != nil {
		return err
	}
	fmt.Fprintf(l.out, "%s%s\n", endPrefix, encoded)
	return l.out.Flush()
}

// FromLog writes the answer that a log holds. The error of an answer that is not whole has the reason ChecksumMismatch; nothing of it is
// written then.
func FromLog(log io.Reader, out io.Writer) error {
	var answer bytes.Buffer
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadBytes('\n')
		switch rest, ok := bytes.CutPrefix(line, []byte(linePrefix)); {
		case ok:
			answer.Write(rest)
		case bytes.HasPrefix(line, []byte(endPrefix)):
			return answered(answer.Bytes(), line[len(endPrefix):], out)
		}
		if errors.Is(err, io.EOF) {
			return contract.Failf(contract.ChecksumMismatch, "the pod's log ends before the answer does, after %d bytes; ask for fewer rows, or export the file", answer.Len())
		}
		if err != nil {
			return err
		}
	}
}

func answered(answer, last []byte, out io.Writer) error {
	var said end
	if err := json.Unmarshal(last, &said); err != nil {
		return contract.Failf(contract.ChecksumMismatch, "the end of the answer in the pod's log cannot be read: %w", err)
	}
	if int64(len(answer)) == said.Bytes+1 { // the line feed that ended a last line without one
		answer = answer[:said.Bytes]
	}
	sum := NewSum(io.Discard)
	_, _ = sum.Write(answer)
	if sum.bytes != said.Bytes || sum.Digest() != said.SHA256 {
		return contract.Failf(contract.ChecksumMismatch, "the pod's log has %d of the answer's %d bytes, or other ones; ask for fewer rows, or export the file", sum.bytes, said.Bytes)
	}
	_, err := out.Write(answer)
	return err
}

// Sum passes bytes on, counts and hashes them.
type Sum struct {
	to    io.Writer
	hash  hash.Hash
	bytes int64
}

// NewSum returns a Sum that passes bytes on to a writer.
func NewSum(to io.Writer) *Sum { return &Sum{to: to, hash: sha256.New()} }

// Write passes bytes on.
func (s *Sum) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.hash.Write(p[:n])
	s.bytes += int64(n)
	return n, err
}

// Bytes returns how many bytes were passed on.
func (s *Sum) Bytes() int64 { return s.bytes }

// Digest returns their SHA-256, in hex.
func (s *Sum) Digest() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// Check compares what was passed on with a file of the manifest. The error has the reason VolumeInvalid.
func (s *Sum) Check(f revision.PublishedFile) error {
	if s.bytes != f.Bytes || s.Digest() != f.SHA256 {
		return changed(f, fmt.Sprintf("it has %d bytes with the SHA-256 %s, the manifest says %d and %s", s.bytes, s.Digest(), f.Bytes, f.SHA256))
	}
	return nil
}

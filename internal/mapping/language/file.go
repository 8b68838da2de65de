package language

import (
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/google/cel-go/common/types/ref"
)

// FileName is the variable with the file that a row is in.
const FileName = "file"

// noPartition is the value of a Hive folder that means null.
const noPartition = "__HIVE_DEFAULT_PARTITION__"

// fileValue is the variable file for one file.
type fileValue struct {
	path  string
	value ref.Val
}

// fileOf returns the variable file for a path: the path as the source has it, the last part of it, and the values of folders of the form
// name=value, as Hive, Spark and Arrow write them.
func fileOf(at string) *fileValue {
	parts := strings.Split(at, "/")
	folders, name := map[string]any{}, parts[len(parts)-1]
	for _, part := range parts[:len(parts)-1] {
		key, value, ok := strings.Cut(part, "=")
		if key, value = unescaped(key), unescaped(value); ok && key != "" && value != noPartition {
			folders[key] = value
		}
	}
	return &fileValue{at, Adapter{}.NativeToValue(map[string]any{"path": at, "name": name, "folders": folders})}
}

// unescaped decodes the percent signs of a folder's name; a name with other percent signs is kept unchanged.
func unescaped(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// Files returns the variable file of rows. It keeps the last one, since the rows of a file come one after another.
type Files struct{ last atomic.Pointer[fileValue] }

// Of returns the variable for the file at a path.
func (f *Files) Of(at string) ref.Val {
	last := f.last.Load()
	if last == nil || last.path != at {
		last = fileOf(at)
		f.last.Store(last)
	}
	return last.value
}

package revision

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// EncodeJSON returns a value in the form of every small JSON file on the volume: indented, without escapes for HTML, with a line end.
func EncodeJSON(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return out.Bytes(), nil
}

// SameJSON reports whether two values have the same EncodeJSON.
func SameJSON(a, b any) bool {
	encodedA, errA := EncodeJSON(a)
	encodedB, errB := EncodeJSON(b)
	return errA == nil && errB == nil && bytes.Equal(encodedA, encodedB)
}

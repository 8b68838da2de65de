package report

import "encoding/json"

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// decimal is a JSON number that keeps its decimals, such as 40.0.
type decimal string

// MarshalJSON writes the number as it is.
func (d decimal) MarshalJSON() ([]byte, error) { return []byte(d), nil }

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

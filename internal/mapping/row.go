package mapping

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/mapping/language"
)

// rowValue is the variable row: the fields of a row by their names. Absent and null fields are the same: neither is there.
type rowValue struct {
	// Mapper has the methods that no expression can call, since row as a whole is refused.
	traits.Mapper

	names  []decoded.Field
	values []any
	plain  uint64 // as decoded.Row has it
	joined []byte // texts that are put together
	// at is the path of the row's file, and files has the variable file for it.
	at    string
	files *language.Files
}

// ResolveName and Parent make a rowValue the activation of an evaluation.
func (r *rowValue) ResolveName(name string) (any, bool) {
	if name == language.FileName && r.files != nil {
		return r.files.Of(r.at), true
	}
	return r, name == language.RowName
}

func (r *rowValue) Parent() cel.Activation { return nil }

func (r *rowValue) Type() ref.Type { return types.MapType }

func (r *rowValue) Find(key ref.Val) (ref.Val, bool) {
	name, _ := key.(types.String)
	v := r.get(string(name))
	if v == nil {
		return nil, false
	}
	return language.Adapter{}.NativeToValue(v), true
}

func (r *rowValue) get(name string) any {
	for i := range r.names {
		if r.names[i].Name == name && !r.names[i].Ordered {
			return r.values[i]
		}
	}
	return nil
}

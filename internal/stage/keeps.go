package stage

import (
	"sync/atomic"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
)

// keeps notes which of the members that a manifest names for a data set any row has: a member that no row has is a misspelled name.
// It may be used by several goroutines.
type keeps struct {
	names []string
	seen  []atomic.Bool
}

func newKeeps(of recipe.Record) keeps {
	var k keeps
	for _, m := range of.Kept() {
		if m.Asked {
			k.names = append(k.names, m.Name)
		}
	}
	k.seen = make([]atomic.Bool, len(k.names))
	return k
}

// note notes the members of one row, which are in the order of their names, as those of keeps are.
func (k *keeps) note(members []record.Entry) {
	for i, name := range k.names {
		for len(members) > 0 && members[0].Key < name {
			members = members[1:]
		}
		if len(members) > 0 && members[0].Key == name && !k.seen[i].Load() {
			k.seen[i].Store(true)
		}
	}
}

// missing returns a name that no row has, "" if every name is in some row.
func (k *keeps) missing() string {
	for i, name := range k.names {
		if !k.seen[i].Load() {
			return name
		}
	}
	return ""
}

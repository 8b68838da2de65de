package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The scalar types, in the words of Arrow. A Null member is null or absent in every row.
const (
	Null    = "null"
	Bool    = "bool"
	Int64   = "int64"
	Float64 = "float64"
	String  = "string"
	// Date is a string that readers of tables convert to a time where all in a block of rows look like one.
	Date = "date"
	// Any is anything without a single type.
	Any = "any"
)

// Type is the type of a member: a scalar, a list with the type of its elements, or an object with those of its members. In JSON
// it is a string, a list of one type, or an object of types.
type Type struct {
	Scalar  string
	Element *Type
	Members map[string]Type
}

// MarshalJSON writes the type.
func (t Type) MarshalJSON() ([]byte, error) {
	switch {
	case t.Element != nil:
		return json.Marshal([]Type{*t.Element})
	case t.Members != nil:
		return json.Marshal(t.Members)
	}
	return json.Marshal(t.Scalar)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Type) UnmarshalJSON(text []byte) error {
	*t = Type{}
	switch {
	case strings.HasPrefix(string(text), "["):
		var of []Type
		if err := json.Unmarshal(text, &of); err != nil {
			return err
		}
		if len(of) != 1 {
			return fmt.Errorf("a list has one type of elements, and %d are given", len(of))
		}
		t.Element = &of[0]
		return nil
	case strings.HasPrefix(string(text), "{"):
		t.Members = map[string]Type{}
		return json.Unmarshal(text, &t.Members)
	}
	if err := json.Unmarshal(text, &t.Scalar); err != nil {
		return err
	}
	if !slices.Contains([]string{Null, Bool, Int64, Float64, String, Date, Any}, t.Scalar) {
		return fmt.Errorf("%q is not a type", t.Scalar)
	}
	return nil
}

// Names returns the members of an object, sorted.
func (t Type) Names() []string { return slices.Sorted(maps.Keys(t.Members)) }

// Set is what was seen of the rows of one data set.
type Set struct {
	Name   string
	Fields *Fields
}

// Judge returns the type of the rows of several data sets together: an object whose members are those that any row has. In the member named strict,
// each member must have one type: the error names the member that has several, and where two of them were seen. Other members without a single type
// are Any.
func Judge(strict string, sets ...Set) (Type, error) {
	parts := make([]part, 0, len(sets))
	for _, set := range sets {
		parts = append(parts, part{set.Name, &set.Fields.Root})
	}
	members := membersOf(parts)
	t := Type{Members: map[string]Type{}}
	for name, of := range members {
		member, err := judge(of, name)
		if err != nil && name == strict {
			return Type{}, err
		}
		if err != nil {
			member = Type{Scalar: Any}
		}
		t.Members[name] = member
	}
	return t, nil
}

// Certain reports whether nothing in the type is Any.
func (t Type) Certain() bool {
	if t.Scalar == Any || t.Element != nil && !t.Element.Certain() {
		return false
	}
	for _, member := range t.Members {
		if !member.Certain() {
			return false
		}
	}
	return true
}

// part is what was seen of one member in one data set.
type part struct {
	dataset string
	seen    *Seen
}

// first finds the data set and row that first has a kind.
func first(parts []part, k kind) (place string, ok bool) {
	for _, p := range parts {
		if p.seen.has(k) {
			return fmt.Sprintf("row %d of data set %s", p.seen.First[k]-1, p.dataset), true
		}
	}
	return "", false
}

// groups are the kinds that one column holds together.
var groups = []struct {
	scalar string
	kinds  []kind
}{
	{Bool, []kind{boolean}},
	{Int64, []kind{exact, long}},
	{Float64, []kind{exact, float}},
	{String, []kind{text, date}},
	{"", []kind{list}},
	{"", []kind{object}},
}

func judge(parts []part, path string) (Type, error) {
	for _, p := range parts {
		if p.seen.Beyond != 0 {
			return Type{}, fmt.Errorf("%s has, in row %d of data set %s, more than %d different members or is nested more than %d deep: names that are data have no column in a table; keep the member as text",
				path, p.seen.Beyond-1, p.dataset, maxMembers, maxDepth)
		}
	}
	var there []kind
	for k := boolean; k < kinds; k++ {
		if _, ok := first(parts, k); ok {
			there = append(there, k)
		}
	}
	if len(there) == 0 {
		return Type{Scalar: Null}, nil
	}
	for _, group := range groups {
		if slices.ContainsFunc(there, func(k kind) bool { return !slices.Contains(group.kinds, k) }) {
			continue
		}
		switch {
		case there[0] == list:
			return judgeList(parts, path)
		case there[0] == object:
			return judgeObject(parts, path)
		case slices.Contains(there, date):
			return Type{Scalar: Date}, nil
		}
		return Type{Scalar: group.scalar}, nil
	}
	return Type{}, conflict(parts, path, there)
}

// conflict returns the error of a member that has two types, or a type that no column holds.
func conflict(parts []part, path string, there []kind) error {
	a := there[0]
	at, _ := first(parts, a)
	if slices.Contains(there, huge) && len(there) == 1 {
		return fmt.Errorf("%s is %s in %s, and no column of numbers holds it; keep it as text", path, names[huge], at)
	}
	b := there[len(there)-1]
	other, _ := first(parts, b)
	return fmt.Errorf("%s is %s in %s and %s in %s, and readers of tables want one type for a member; keep it as text, give it another name in one data set, or leave it out",
		path, names[a], at, names[b], other)
}

func judgeList(parts []part, path string) (Type, error) {
	var elements []part
	for _, p := range parts {
		if p.seen.Element != nil {
			elements = append(elements, part{p.dataset, p.seen.Element})
		}
	}
	element, err := judge(elements, path+"[]")
	return Type{Element: &element}, err
}

func judgeObject(parts []part, path string) (Type, error) {
	members := membersOf(parts)
	t := Type{Members: map[string]Type{}}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		member, err := judge(members[name], path+"."+name)
		if err != nil {
			return Type{}, err
		}
		t.Members[name] = member
	}
	return t, nil
}

func membersOf(parts []part) map[string][]part {
	members := map[string][]part{}
	for _, p := range parts {
		for name, seen := range p.seen.Members {
			members[name] = append(members[name], part{p.dataset, seen})
		}
	}
	return members
}

// Union returns the type of rows of any of the types. Where no single type holds them all, it is Any.
func Union(types ...Type) Type {
	union := Type{Scalar: Null}
	for _, t := range types {
		union = join(union, t)
	}
	return union
}

func join(a, b Type) Type {
	switch {
	case a.Scalar == Null:
		return b
	case b.Scalar == Null:
		return a
	case a.Element != nil && b.Element != nil:
		element := join(*a.Element, *b.Element)
		return Type{Element: &element}
	case a.Members != nil && b.Members != nil:
		out := Type{Members: maps.Clone(a.Members)}
		for name, t := range b.Members {
			if before, there := out.Members[name]; there {
				t = join(before, t)
			}
			out.Members[name] = t
		}
		return out
	case a.Scalar == b.Scalar:
		return a
	}
	pair := []string{min(a.Scalar, b.Scalar), max(a.Scalar, b.Scalar)}
	switch {
	case slices.Equal(pair, []string{Float64, Int64}):
		return Type{Scalar: Float64}
	case slices.Equal(pair, []string{Date, String}):
		return Type{Scalar: Date}
	}
	return Type{Scalar: Any}
}

// Covers reports whether every row whose members were seen fits the type.
func (t Type) Covers(f *Fields) bool { return t.covers(&f.Root) }

func (t Type) covers(s *Seen) bool {
	if t.Scalar == Any {
		return true
	}
	if s.Beyond != 0 {
		return false
	}
	scalar := map[string][]kind{Bool: {boolean}, Int64: {exact, long}, Float64: {exact, float}, String: {text}, Date: {text, date}}[t.Scalar]
	for k := boolean; k < kinds; k++ {
		fits := slices.Contains(scalar, k) || k == list && t.Element != nil || k == object && t.Members != nil
		if s.has(k) && !fits {
			return false
		}
	}
	if s.Element != nil && !t.Element.covers(s.Element) {
		return false
	}
	for name, member := range s.Members {
		of, there := t.Members[name]
		if !there || !of.covers(member) {
			return false
		}
	}
	return true
}

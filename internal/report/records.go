package report

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/datasetmix/datasetmix/internal/schema"
)

// recordSets returns descriptions of the rows of the mix, of each data set and of each export.
func recordSets(r *Revision) []croissantRecord {
	var sets []croissantRecord
	for _, of := range readable(r) {
		members := r.members(of.dataset)
		set := recordsOf{id: of.id, files: reference{of.id + filesSuffix}}
		if rowsFormat(of.paths[0]) != jsonLines { // all columns are texts
			members.Members = maps.Clone(members.Members)
			for name := range members.Members {
				members.Members[name] = schema.Type{Scalar: schema.String}
			}
		}
		sets = append(sets, set.record(r, of, members))
	}
	return sets
}

// recordsOf makes the fields of a set of records.
type recordsOf struct {
	id    string
	files reference
}

var fieldDescriptions = map[string]string{
	"id":               "Unique in the mix: data set and row number at the source. A row that repeats keeps it.",
	"dataset":          "The data set's name in the mix.",
	"domain":           "The domain's name in the mix.",
	"question":         "The whole prompt.",
	"reference_answer": "What is held to be right.",
	"answer_type":      "How answers compare: numeric, text or code.",
	metadataField:      "What the data set's mapping keeps.",
	"solution":         "The reference answer in a box, of rows that are scored as numbers or formulas.",
	"label":            "What the reward compares with, as JSON.",
	"text":             "What is trained on.",
	"source":           "The data set's name, to which the licence belongs.",
	"original_id":      "The source's own id of the row, else its row number.",
}

// record returns the description of a set of records. A row of a mix may repeat with the same id, so the key of its records is their place.
func (s recordsOf) record(r *Revision, of readableSet, members schema.Type) croissantRecord {
	set := croissantRecord{Type: "cr:RecordSet", ID: s.id, Name: s.id, Description: "The rows of the mixed files in the unified format.",
		Key: []reference{{s.id + "/file"}, {s.id + "/row"}}}
	columns := texts
	// A reader that joins the splits applies the expression to their names as well, and replaces the property by the result.
	form := "^(?:.*/)?(%s)(?:_mixed.*)?$"
	switch {
	case of.dataset != "":
		set.Description = fmt.Sprintf("The rows of data set %s, before it was balanced and mixed.", of.dataset)
		set.Key = []reference{{s.id + "/id"}}
		form = "^(?:.*/)?(?:" + regexp.QuoteMeta(of.dataset) + "_)?(%s)(?:\\.jsonl)?$"
	case of.export != "":
		set.Description = fmt.Sprintf("The rows of the mix in the order of the mixed files, in the shape of export %s. Its columns that are no texts are left out.", of.export)
		columns, members = r.exportTexts(of.export), schema.Type{}
		form = "^(?:.*/)?(%s)(?:-[0-9]+-of-[0-9]+)?(?:\\.parquet)?$"
	}
	for _, name := range columns {
		set.Fields = append(set.Fields, s.field([]string{name}, schema.Type{Scalar: schema.String}))
	}
	for _, name := range namesOf(members, metadataField) {
		if t := members.Members[name]; expressible(name, t) {
			set.Fields = append(set.Fields, s.field([]string{name}, t))
		}
	}
	names := make([]string, len(r.Splits))
	for i, split := range r.Splits {
		names[i] = regexp.QuoteMeta(split.Name)
	}
	split := s.property("split", "The split of the file.", "sc:Text", "fullpath")
	split.Source.Transform = &modification{Regex: fmt.Sprintf(form, strings.Join(names, "|"))}
	split.References = &fieldReference{reference{splitNameID}}
	set.Fields = append(set.Fields, split, s.property("file", "The name of the file.", "sc:Text", "filename"),
		s.property("row", "The number of the row in its file, from 0.", "sc:Integer", "lineNumbers"))
	return set
}

func (s recordsOf) property(name, description, dataType, property string) croissantField {
	return croissantField{Type: "cr:Field", ID: s.id + "/" + name, Name: name, Description: description, DataType: dataType,
		Source: &fieldSource{Files: s.files, Extract: extraction{FileProperty: property}}}
}

// word matches names that need no quotes in a JSON path.
var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expressible reports whether Croissant can describe a member so that its reader understands it: it cannot describe lists of lists, and its reader
// reads only one element of a list of objects.
func expressible(name string, t schema.Type) bool {
	switch {
	case !word.MatchString(name), t.Scalar == schema.Any:
		return false
	case t.Element != nil:
		return t.Element.Element == nil && t.Element.Members == nil
	case t.Members != nil:
		for member, of := range t.Members {
			if expressible(member, of) {
				return true
			}
		}
		return false
	}
	return true
}

// field returns the description of a member, given by its path in the row.
func (s recordsOf) field(at []string, t schema.Type) croissantField {
	name := at[len(at)-1]
	f := croissantField{Type: "cr:Field", ID: s.id + "/" + strings.Join(at, "/"), Name: name, Description: fieldDescriptions[name]}
	if f.Description == "" {
		f.Description = "As the data set has it."
	}
	if t.Members != nil {
		for _, member := range namesOf(t, firstMetadata...) {
			if of := t.Members[member]; expressible(member, of) {
				f.SubFields = append(f.SubFields, s.field(append(at[:len(at):len(at)], member), of))
			}
		}
		return f
	}
	if t.Element != nil {
		f.Array, f.Shape, t = true, "-1", *t.Element
	}
	f.DataType = dataTypes[t.Scalar]
	f.Source = &fieldSource{Files: s.files, Extract: extraction{Column: at[0]}}
	if len(at) > 1 {
		f.Source.Transform = &modification{JSONPath: "$." + strings.Join(at[1:], ".")}
	}
	return f
}

var dataTypes = map[string]string{
	schema.Null: "sc:Text", schema.Bool: "sc:Boolean", schema.Int64: "sc:Integer", schema.Float64: "sc:Float", schema.String: "sc:Text", schema.Date: "sc:Text",
}

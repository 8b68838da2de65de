package stage

import (
	"bufio"
	"errors"
	"io/fs"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/schema"
	"github.com/datasetmix/datasetmix/internal/store"
)

// fieldsName is the file of a split unit's folder with the types of the members of the data set's rows. It follows from the rows, whose
// digest is in the unit's result.
const fieldsName = "fields.json"

// strict is the member of a row whose own members each have one type. What a record keeps of its source may have several, as the source does.
const strict = "metadata"

// seen returns the types of the members that all mappers have seen.
func (s *splitter) seen() *schema.Fields {
	all := &schema.Fields{}
	for _, fields := range s.fields {
		all.Merge(fields)
	}
	return all
}

// typesOf returns the types of the members of each data set's rows. It fails where a member of metadata has two types in its data set or, if
// mixed files are JSON, in the whole mix.
func typesOf(j job) (map[string]schema.Type, error) {
	types := map[string]schema.Type{}
	var sets []schema.Set
	for _, name := range j.recipe.DatasetNames() {
		fields, err := fieldsOf(j, name)
		if err != nil {
			return nil, contract.Within("data set "+name, err)
		}
		set := schema.Set{Name: name, Fields: fields}
		if types[name], err = schema.Judge(strict, set); err != nil {
			return nil, contract.Failf(contract.InvalidData, "%w", err)
		}
		sets = append(sets, set)
	}
	if j.recipe.Output.Format == recipe.Parquet {
		return types, nil // it has the metadata as text
	}
	if _, err := schema.Judge(strict, sets...); err != nil {
		return nil, contract.Failf(contract.InvalidData, "%w. In a mix in Parquet, metadata is one text", err)
	}
	return types, nil
}

// fieldsOf reads the types of the members of a data set's rows. Units of earlier releases lack this file, so their rows are read.
func fieldsOf(j job, name string) (*schema.Fields, error) {
	folder, err := j.input(pipeline.StageSplit, name)
	if err != nil {
		return nil, err
	}
	var fields schema.Fields
	err = store.ReadJSON(folder.Join(fieldsName), &fields)
	if errors.Is(err, fs.ErrNotExist) {
		return seenAgain(folder.Join(rawName))
	}
	return &fields, err
}

func seenAgain(path store.Path) (*schema.Fields, error) {
	f, err := path.Open()
	if err != nil {
		return nil, store.UnreadableError(err)
	}
	defer f.Close()
	fields := &schema.Fields{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, decoded.MaxRow+2)
	for row := int64(0); lines.Scan(); row++ {
		r, err := record.Parse(lines.Bytes())
		if err != nil {
			return nil, err
		}
		if err := fields.AddRest(row, lines.Bytes()[r.Rest():]); err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return nil, store.UnreadableError(err)
	}
	return fields, nil
}

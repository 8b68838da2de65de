package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// exportsOf returns the exports of a recipe.
func exportsOf(r recipe.Recipe, plan plan.Plan) []Export {
	var rows int64
	for _, split := range plan.Splits {
		rows += split.Rows
	}
	var out []Export
	for _, e := range r.Output.Exports {
		of := Export{Name: e.Name, Folder: revision.ExportFolder(e.Name), Format: string(e.Format), System: e.SystemPrompt, Rows: rows}
		for _, i := range []Instruction{
			{"numbers", e.Instructions.Numeric}, {"formulas", e.Instructions.Formula}, {"text", e.Instructions.Text},
			{"text that may have no answer", e.Instructions.NoAnswer}, {"programs", e.Instructions.Code},
		} {
			if i.Text != "" {
				of.Instructions = append(of.Instructions, i)
			}
		}
		out = append(out, of)
	}
	return out
}

// exportTexts returns the columns of an export that are texts; the last three are in every format.
func (r *Revision) exportTexts(name string) []string {
	columns := map[string][]string{
		string(recipe.ExportRL):   {"solution", "data_source", "ability", "task", "label", "answer_type", "reference_answer"},
		string(recipe.ExportText): {"text"},
	}
	var format string
	for _, e := range r.Exports {
		if e.Name == name {
			format = e.Format
		}
	}
	return append(slices.Clone(columns[format]), "id", "dataset", "domain")
}

// factoryEntry describes a file to LLaMA-Factory.
type factoryEntry struct {
	File       string            `json:"file_name"`
	Formatting string            `json:"formatting,omitempty"`
	Columns    map[string]string `json:"columns"`
	Tags       map[string]string `json:"tags,omitempty"`
}

// factoryInfo returns the content of an export's dataset_info.json, by which LLaMA-Factory finds its files. It has an entry for each file, whose name
// consists of the mix, the split and, if there are several files, the number. ok is false for a format that LLaMA-Factory has no stage for.
func factoryInfo(r recipe.Recipe, export recipe.Export) (content []byte, ok bool, err error) {
	if !export.HasFactoryInfo() {
		return nil, false, nil
	}
	entry := factoryEntry{Columns: map[string]string{"prompt": "text"}}
	if export.Format == recipe.ExportSFT {
		entry = factoryEntry{
			Formatting: "sharegpt", Columns: map[string]string{"messages": "messages"},
			Tags: map[string]string{"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"},
		}
	}
	var info object
	for _, shard := range r.Shards() {
		shard.Export = export.Name
		name := strings.NewReplacer("-", "_", ".", "_").Replace(r.Name + "_" + shard.Split)
		if shard.Count > 1 {
			name = fmt.Sprintf("%s_%05d", name, shard.Index)
		}
		entry.File = strings.TrimPrefix(revision.ExportFile(shard), revision.ExportFolder(export.Name)+"/")
		info = append(info, member{name, entry})
	}
	content, err = revision.EncodeJSON(info)
	return content, true, err
}

package report

import (
	"bytes"
	_ "embed" // for the context
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// croissantContext is the one that the appendix of Croissant 1.1 recommends, and PROV-O for where the rows came from.
//
//go:embed context.json
var croissantContext string

const (
	croissantVersion = "http://mlcommons.org/croissant/1.1"
	jsonLines        = "application/jsonlines"

	mixedFiles   = "mixed-files"
	recordSetID  = "records"
	splitSetID   = "splits"
	splitNameID  = splitSetID + "/name"
	recordPrefix = recordSetID + "/"
)

// The types below have the members of Croissant in the order in which they are written.

type croissant struct {
	Context     json.RawMessage   `json:"@context"`
	Type        string            `json:"@type"`
	ConformsTo  string            `json:"conformsTo"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	URL         string            `json:"url,omitempty"`
	Published   string            `json:"datePublished,omitempty"`
	Version     string            `json:"version"`
	License     []string          `json:"license"`
	Creator     agent             `json:"creator"`
	Keywords    []string          `json:"keywords"`
	Live        bool              `json:"isLiveDataset"`
	Generated   activity          `json:"prov:wasGeneratedBy"`
	Derived     []origin          `json:"prov:wasDerivedFrom"`
	Files       []any             `json:"distribution"`
	RecordSets  []croissantRecord `json:"recordSet"`
}

type agent struct {
	Type string `json:"@type"`
	Name string `json:"name"`
}

type activity struct {
	Type  string `json:"@type"`
	Label string `json:"prov:label"`
}

type origin struct {
	Type    string `json:"@type"`
	Name    string `json:"name"`
	Source  string `json:"description"`
	Version string `json:"version,omitempty"`
	License string `json:"license"`
}

type fileObject struct {
	Type   string `json:"@type"`
	ID     string `json:"@id"`
	Name   string `json:"name"`
	URL    string `json:"contentUrl"`
	Size   string `json:"contentSize"`
	Format string `json:"encodingFormat"`
	SHA256 string `json:"sha256"`
}

type fileSet struct {
	Type      string      `json:"@type"`
	ID        string      `json:"@id"`
	Name      string      `json:"name"`
	Contained []reference `json:"containedIn"`
	Format    string      `json:"encodingFormat"`
	Includes  []string    `json:"includes"`
}

type reference struct {
	ID string `json:"@id"`
}

type croissantRecord struct {
	Type        string              `json:"@type"`
	ID          string              `json:"@id"`
	Name        string              `json:"name"`
	Description string              `json:"description"`
	DataType    string              `json:"dataType,omitempty"`
	Key         reference           `json:"key"`
	Fields      []croissantField    `json:"field"`
	Data        []map[string]string `json:"data,omitempty"`
}

type croissantField struct {
	Type        string           `json:"@type"`
	ID          string           `json:"@id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	DataType    string           `json:"dataType,omitempty"`
	Source      *fieldSource     `json:"source,omitempty"`
	References  *fieldReference  `json:"references,omitempty"`
	SubFields   []croissantField `json:"subField,omitempty"`
}

type fieldSource struct {
	Files     reference     `json:"fileSet"`
	Extract   extraction    `json:"extract"`
	Transform *modification `json:"transform,omitempty"`
}

type extraction struct {
	Column       string `json:"column,omitempty"`
	FileProperty string `json:"fileProperty,omitempty"`
}

type modification struct {
	Regex    string `json:"regex,omitempty"`
	JSONPath string `json:"jsonPath,omitempty"`
}

type fieldReference struct {
	Field reference `json:"field"`
}

// Croissant writes the croissant.json of a revision after Croissant 1.1 (MLCommons, 29 January 2026): every file with its
// SHA-256, the record's fields, the splits, and the data sets it derives from. The error is the caller's mistake.
func Croissant(r Revision) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	doc := croissant{
		Context:    json.RawMessage(croissantContext),
		Type:       "sc:Dataset",
		ConformsTo: croissantVersion,
		Name:       r.Mix,
		Description: fmt.Sprintf("A mix of %d data sets in %d domains at the ratio %s, split %s before anything was repeated.",
			len(r.Datasets), len(r.Domains), ratio(r.domainShares()), ratio(r.splitShares())),
		URL:       r.URL,
		Published: r.Published,
		// A revision is new content: a version after Semantic Versioning with the revision as its build.
		Version:   "1.0.0+" + r.ID,
		License:   r.licenseURLs(),
		Creator:   agent{"sc:Organization", "DatasetMix"},
		Keywords:  []string{"datasetmix", "training data"},
		Generated: activity{"prov:Activity", fmt.Sprintf("DatasetMix, seed %d", r.Seed)},
		Derived:   r.origins(),
		Files:     r.distribution(),
	}
	doc.RecordSets = []croissantRecord{r.splitSet(), r.recordSet()}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(doc)
	return out.Bytes(), err
}

func (r *Revision) licenseURLs() []string {
	var urls []string
	for _, d := range r.Datasets {
		if url := licenseURL(d.License); !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	slices.Sort(urls)
	return urls
}

func (r *Revision) origins() []origin {
	origins := make([]origin, len(r.Datasets))
	for i, d := range r.Datasets {
		origins[i] = origin{"sc:Dataset", d.Name, d.Source, d.Resolved, licenseURL(d.License)}
	}
	return origins
}

// distribution is every file, and the set of the mixed ones, from which the records come.
func (r *Revision) distribution() []any {
	var out []any
	set := fileSet{Type: "cr:FileSet", ID: mixedFiles, Name: mixedFiles, Format: jsonLines}
	for _, f := range r.Files {
		out = append(out, fileObject{"cr:FileObject", f.Path, path.Base(f.Path), f.Path, fmt.Sprintf("%d B", f.Bytes), encodingFormat(f.Path), f.SHA256})
		if f.mixed() {
			set.Contained = append(set.Contained, reference{f.Path})
			set.Includes = append(set.Includes, f.Path)
			set.Format = rowsFormat(f.Path)
		}
	}
	return append(out, set)
}

var encodingFormats = []struct{ suffix, format string }{
	{".jsonl", jsonLines},
	{".json", "application/json"},
	{".parquet", "application/vnd.apache.parquet"},
	{".gz", "application/gzip"},
	{".zst", "application/zstd"},
}

// rowsFormat is the format of the rows in a file, whatever they are packed with. It is what a set of files is read by: a reader
// of Croissant unpacks by the files' names, and knows one format per set.
func rowsFormat(name string) string {
	return encodingFormat(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst"))
}

// encodingFormat is the media type of a file's bytes.
func encodingFormat(name string) string {
	for _, f := range encodingFormats {
		if strings.HasSuffix(name, f.suffix) {
			return f.format
		}
	}
	return "application/octet-stream"
}

func (r *Revision) splitSet() croissantRecord {
	set := croissantRecord{
		Type: "cr:RecordSet", ID: splitSetID, Name: splitSetID, Description: "The splits of the mix.", DataType: "cr:Split", Key: reference{splitNameID},
		Fields: []croissantField{{Type: "cr:Field", ID: splitNameID, Name: "name", Description: "The name of the split.", DataType: "sc:Text"}},
	}
	for _, s := range r.Splits {
		set.Data = append(set.Data, map[string]string{splitNameID: s.Name})
	}
	return set
}

// recordSet describes the unified record. Its id repeats where a row does: the key is of the record, not of its place.
func (r *Revision) recordSet() croissantRecord {
	names := make([]string, len(r.Splits))
	for i, s := range r.Splits {
		names[i] = s.Name
	}
	set := croissantRecord{Type: "cr:RecordSet", ID: recordSetID, Name: recordSetID, Description: "The rows of the mixed files in the unified format.", Key: reference{recordPrefix + "id"}}
	for _, f := range []struct{ name, description string }{
		{"id", "Unique in the mix: data set and row number at the source. A row that repeats keeps it."},
		{"dataset", "The data set's name in the mix."},
		{"domain", "The domain's name in the mix."},
		{"question", "The whole prompt."},
		{"reference_answer", "What is held to be right."},
		{"answer_type", "How answers compare: numeric, text or code."},
	} {
		set.Fields = append(set.Fields, column(f.name, f.description, f.name, ""))
	}
	metadata := croissantField{Type: "cr:Field", ID: recordPrefix + "metadata", Name: "metadata", Description: "What the data set's mapping keeps."}
	for _, f := range []struct{ name, description string }{
		{"source", "The data set's name, to which the licence belongs."},
		{"original_id", "The source's own id of the row, else its row number."},
	} {
		metadata.SubFields = append(metadata.SubFields, column("metadata/"+f.name, f.description, "metadata", "$."+f.name))
	}
	split := croissantField{Type: "cr:Field", ID: recordPrefix + "split", Name: "split", Description: "The split of the file.", DataType: "sc:Text",
		Source:     &fieldSource{reference{mixedFiles}, extraction{FileProperty: "fullpath"}, &modification{Regex: "(" + strings.Join(names, "|") + ")_mixed"}},
		References: &fieldReference{reference{splitNameID}},
	}
	set.Fields = append(set.Fields, metadata, split)
	return set
}

func column(name, description, from, jsonPath string) croissantField {
	f := croissantField{Type: "cr:Field", ID: recordPrefix + name, Name: path.Base(name), Description: description, DataType: "sc:Text",
		Source: &fieldSource{Files: reference{mixedFiles}, Extract: extraction{Column: from}}}
	if jsonPath != "" {
		f.Source.Transform = &modification{JSONPath: jsonPath}
	}
	return f
}

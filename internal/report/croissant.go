package report

import (
	_ "embed" // for the context
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/revision"
)

// croissantContext is the context that the appendix of Croissant 1.1 recommends, with PROV-O for the origin of the rows.
//
//go:embed context.json
var croissantContext string

const (
	croissantVersion = "http://mlcommons.org/croissant/1.1"
	jsonLines        = "application/jsonlines"

	recordSetID = "records"
	splitSetID  = "splits"
	splitNameID = splitSetID + "/name"
	// filesSuffix ends the name of a set of files, which begins with the name of the set of records that is read from it.
	filesSuffix = "-files"
)

// The types below have the members of Croissant, in the order in which they are written.

type croissant struct {
	Context     json.RawMessage   `json:"@context"`
	Type        string            `json:"@type"`
	ConformsTo  string            `json:"conformsTo"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Cite        string            `json:"citeAs"`
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
	Type     string   `json:"@type"`
	ID       string   `json:"@id"`
	Name     string   `json:"name"`
	Format   string   `json:"encodingFormat"`
	Includes []string `json:"includes"`
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
	Key         []reference         `json:"key"`
	Fields      []croissantField    `json:"field"`
	Data        []map[string]string `json:"data,omitempty"`
}

type croissantField struct {
	Type        string           `json:"@type"`
	ID          string           `json:"@id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	DataType    string           `json:"dataType,omitempty"`
	Array       bool             `json:"isArray,omitempty"`
	Shape       string           `json:"arrayShape,omitempty"`
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

// Croissant returns the croissant.json of a revision after Croissant 1.1 (MLCommons, 29 January 2026): every file with its SHA-256, the fields of the
// rows, the splits, and the data sets that the mix is derived from. An error is the caller's mistake.
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
		Cite:      citation(&r),
		URL:       r.URL,
		Published: r.Published,
		// A revision is new content: a version after Semantic Versioning with the revision as its build.
		Version:   "1.0.0+" + r.ID,
		License:   licenseURLs(r.Datasets),
		Creator:   agent{"sc:Organization", "DatasetMix"},
		Keywords:  []string{"datasetmix", "training data"},
		Generated: activity{"prov:Activity", fmt.Sprintf("DatasetMix, seed %d", r.Seed)},
		Derived:   origins(r.Datasets),
		Files:     distribution(&r),
	}
	doc.RecordSets = append([]croissantRecord{splitSet(r.Splits)}, recordSets(&r)...)
	return revision.EncodeJSON(doc)
}

func licenseURLs(of []Dataset) []string {
	var urls []string
	for _, d := range of {
		if url := licenseURL(d.License); !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	slices.Sort(urls)
	return urls
}

func origins(of []Dataset) []origin {
	origins := make([]origin, len(of))
	for i, d := range of {
		origins[i] = origin{"sc:Dataset", d.Name, d.Source, d.Resolved, licenseURL(d.License)}
	}
	return origins
}

// citation returns how to cite the revision, in BibTeX.
func citation(r *Revision) string {
	var of []string
	for _, d := range r.Datasets {
		of = append(of, fmt.Sprintf("%s (%s, %s)", d.Name, d.Source, d.Resolved))
	}
	return fmt.Sprintf("@misc{%s-%s, title = {%s}, version = {%s}, note = {A mix made by DatasetMix of %s}}", r.Mix, r.ID, r.Mix, r.ID, strings.Join(of, ", "))
}

// distribution returns every file, and the sets of files that records are read from.
func distribution(r *Revision) []any {
	var out []any
	for _, f := range r.Files {
		out = append(out, fileObject{"cr:FileObject", f.Path, path.Base(f.Path), f.Path, fmt.Sprintf("%d B", f.Bytes), encodingFormat(f.Path), f.SHA256})
	}
	for _, set := range readable(r) {
		out = append(out, fileSet{"cr:FileSet", set.id + filesSuffix, set.id + filesSuffix, rowsFormat(set.paths[0]), set.paths})
	}
	return out
}

// readableSet is a set of records, and the files that they are read from.
type readableSet struct {
	id, dataset, export string
	paths               []string
}

// readable returns the sets of records: the mix, each data set, and the exports, as far as the reference implementation of Croissant can read their
// files: it knows gzip, but not zstd. It expects a set of files without a container in the folder of croissant.json.
func readable(r *Revision) []readableSet {
	sets := []readableSet{{id: recordSetID}}
	for _, d := range r.Datasets {
		sets = append(sets, readableSet{id: "dataset-" + d.Name, dataset: d.Name})
	}
	for _, e := range r.Exports {
		sets = append(sets, readableSet{id: "export-" + e.Name, export: e.Name})
	}
	for i := range sets {
		for _, files := range r.filesOf(sets[i].dataset, sets[i].export) {
			sets[i].paths = append(sets[i].paths, files.Paths...)
		}
	}
	return slices.DeleteFunc(sets, func(set readableSet) bool {
		return len(set.paths) == 0 || strings.HasSuffix(set.paths[0], ".zst")
	})
}

// holdsMixed reports whether the revision has the mixed files.
func (r *Revision) holdsMixed() bool { return slices.ContainsFunc(r.Files, File.mixed) }

var encodingFormats = []struct{ suffix, format string }{
	{".jsonl", jsonLines},
	{".json", "application/json"},
	{".parquet", "application/x-parquet"},
	{".gz", "application/gzip"},
	{".zst", "application/zstd"},
}

// rowsFormat returns the media type of the rows in a file, without compression. A set of files has this format: a reader of Croissant decompresses by
// the files' names.
func rowsFormat(name string) string {
	return encodingFormat(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst"))
}

// encodingFormat returns the media type of a file's bytes.
func encodingFormat(name string) string {
	for _, f := range encodingFormats {
		if strings.HasSuffix(name, f.suffix) {
			return f.format
		}
	}
	return "application/octet-stream"
}

func splitSet(of []Split) croissantRecord {
	set := croissantRecord{
		Type: "cr:RecordSet", ID: splitSetID, Name: splitSetID, Description: "The splits of the mix.", DataType: "cr:Split", Key: []reference{{splitNameID}},
		Fields: []croissantField{{Type: "cr:Field", ID: splitNameID, Name: "name", Description: "The name of the split.", DataType: "sc:Text"}},
	}
	for _, s := range of {
		set.Data = append(set.Data, map[string]string{splitNameID: s.Name})
	}
	return set
}

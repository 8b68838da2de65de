// Package revision is what lies on a volume: the names of files and folders, the manifest and the lock of a published revision, and the
// lists of dropped rows. docs/format.md describes the formats.
//
// Imports: the standard library, internal/contract, internal/pipeline, internal/plan and internal/recipe.
package revision

import (
	"fmt"
	"path"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// Names on the volume. All are relative to the volume's root; docs/format.md describes what lies behind each.
const (
	CacheFolder   = ".cache"      // originals by digest, shared by every mix on the volume
	stagesFolder  = ".stages"     // finished units, by stage and key
	revisions     = "revisions"   // published revisions
	current       = "current"     // the link that training pods mount
	knownFolder   = ".known"      // what servers say of files, for this mix alone
	ResultFile    = "result.json" // in a finished unit's folder
	ManifestFile  = "manifest.json"
	LockFile      = "lock.json"
	InfoFile      = "mixed/info.json"
	TestIndexFile = "test/test_index.json"
	DroppedFile   = "dropped/mix.jsonl" // rows that a split lost for the sake of another data set or split
	CardFile      = "README.md"
	CroissantFile = "croissant.json"
	ReportFile    = "report.html"
	// StatisticsFile says what the rows of each data set and split are like.
	StatisticsFile = "statistics.json"
)

// CheckpointSuffix ends the name of the note on a part of a download whose digest is unknown.
const CheckpointSuffix = ".checkpoint"

// Folder is a mix's folder on the volume.
type Folder string

// Stages returns the folder of all units; Stage and Unit lie below it.
func (f Folder) Stages() string { return path.Join(string(f), stagesFolder) }

// Stage returns the folder of a stage's units.
func (f Folder) Stage(stage pipeline.Stage) string { return path.Join(f.Stages(), string(stage)) }

// Node returns the folder of one finished unit.
func (f Folder) Node(stage pipeline.Stage, key string) string { return path.Join(f.Stage(stage), key) }

// Known returns the folder of the notes of what servers say of files.
func (f Folder) Known() string { return path.Join(string(f), knownFolder) }

// Revisions returns the folder of all published revisions.
func (f Folder) Revisions() string { return path.Join(string(f), revisions) }

// Revision returns the folder of one published revision.
func (f Folder) Revision(name string) string { return path.Join(f.Revisions(), name) }

// Current returns the link to the newest revision.
func (f Folder) Current() string { return path.Join(string(f), current) }

// Link returns the target of the link Current for a revision, relative to the mix's folder.
func Link(name string) string { return path.Join(revisions, name) }

// Files of a published revision, relative to its folder.

// RawFile holds every row of a data set.
func RawFile(domain, dataset string) string { return path.Join("raw", domain, dataset+".jsonl") }

// DroppedSourceFile lists the rows of a data set that the split stage left out. It lies in the folder of the domain, so that no
// data set's list meets DroppedFile.
func DroppedSourceFile(domain, dataset string) string {
	return path.Join("dropped", domain, dataset+".jsonl")
}

// ProcessedFile holds a data set's rows of one split.
func ProcessedFile(dataset, split string) string {
	return path.Join("processed", dataset, split+".jsonl")
}

// MetaFile describes a data set's splits.
func MetaFile(dataset string) string { return path.Join("processed", dataset, "meta.json") }

// MixedFile returns the mix of one split, or one shard of it. No two splits' files meet: no split's name has an underscore.
func MixedFile(shard recipe.Shard, format recipe.Format) string {
	return path.Join("mixed", shard.Split+"_mixed"+numberOf(shard)+format.Extension())
}

// ExportFolder returns the folder of an export: a data set that trainers open by its path, with nothing else in it that a loader reads.
func ExportFolder(export string) string { return path.Join("exports", export) }

// ExportFile returns a file of an export: the rows of one split, or one shard of it.
func ExportFile(shard recipe.Shard) string {
	return path.Join(ExportFolder(shard.Export), shard.Split+numberOf(shard)+recipe.Parquet.Extension())
}

// RewardsFile returns the scorer next to the rows of an export of format RL.
func RewardsFile(export string) string { return path.Join(ExportFolder(export), "rewards.py") }

// FactoryFile describes the files of an export to LLaMA-Factory, where it has a stage for their format.
func FactoryFile(export string) string { return path.Join(ExportFolder(export), "dataset_info.json") }

// FileOf returns the published name of what a unit of the mix stage wrote.
func FileOf(shard recipe.Shard, format recipe.Format) string {
	if shard.Export != "" {
		return ExportFile(shard)
	}
	return MixedFile(shard, format)
}

// numberOf returns what a shard of several has in its file's name.
func numberOf(shard recipe.Shard) string {
	if shard.Count <= 1 {
		return ""
	}
	return fmt.Sprintf("-%05d-of-%05d", shard.Index, shard.Count)
}

// TestFile is a data set's rows of a split other than the first, to evaluate it alone.
func TestFile(dataset, split string) string { return path.Join("test", dataset+"_"+split+".jsonl") }

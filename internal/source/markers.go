package source

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// tableLogs are the names of what says, in a folder of a table format, which of its files count: others were deleted or replaced, and
// lie there still.
var tableLogs = map[string]string{"_delta_log": "Delta", ".hoodie": "Hudi"}

// chosenFiles are the paths that the patterns name, and without patterns those of data.
func chosenFiles(ctx context.Context, patterns, paths []string, where string) ([]string, error) {
	if len(patterns) > 0 {
		return matchAll(ctx, patterns, paths, where)
	}
	return withoutMarkers(paths, where)
}

// withoutMarkers are the paths to read where no pattern names them: all but those that are no data by their names or their folders' names.
// Spark and Hadoop begin such names with a dot or an underscore; checksums of Hadoop end with .crc. They are sorted.
func withoutMarkers(paths []string, where string) ([]string, error) {
	for _, p := range paths {
		if format := tableFormat(p); format != "" {
			return nil, contract.Failf(contract.InvalidData,
				"%s has a %s table, and only its log says which of the files still count. Write the table's rows out as Parquet or JSON Lines, or name the files that count with files.",
				capital(where), format)
		}
	}
	return slices.DeleteFunc(slices.Sorted(slices.Values(paths)), func(p string) bool {
		return strings.HasSuffix(p, ".crc") || slices.ContainsFunc(strings.Split(p, "/"), func(name string) bool {
			return strings.HasPrefix(name, ".") && !dots(name) || strings.HasPrefix(name, "_")
		})
	}), nil
}

// tableFormat names the format of the table that a file is the log of, or part of it; empty is none.
func tableFormat(p string) string {
	for _, name := range strings.Split(p, "/") {
		if format := tableLogs[name]; format != "" {
			return format
		}
	}
	if path.Base(path.Dir(p)) == "metadata" && strings.HasSuffix(p, ".metadata.json") {
		return "Iceberg"
	}
	return ""
}

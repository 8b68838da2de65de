// Package choose decides which files of a listing are read: those that patterns name, or all that are data by their names.
package choose

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
)

// tableLogs are the names of the logs of table formats. A log lists which of a folder's files count: others were deleted or replaced,
// and are still there.
var tableLogs = map[string]string{"_delta_log": "Delta", ".hoodie": "Hudi"}

// Files returns the paths that the patterns name, and without patterns those of data. In messages, where names what holds the paths.
func Files(ctx context.Context, patterns, paths []string, where string) ([]string, error) {
	if len(patterns) > 0 {
		return matchAll(ctx, patterns, paths, where)
	}
	return withoutMarkers(paths, where)
}

// withoutMarkers returns the paths to read where no pattern names them: all whose names, and those of their folders, are not of markers.
// Spark and Hadoop begin such names with a dot or an underscore; checksums of Hadoop end with .crc. They are sorted.
func withoutMarkers(paths []string, where string) ([]string, error) {
	for _, p := range paths {
		if format := TableFormat(p); format != "" {
			return nil, contract.Failf(contract.InvalidData,
				"%s has a %s table, and only its log says which of the files still count. Write the table's rows out as Parquet or JSON Lines, or name the files that count with files.",
				source.Capital(where), format)
		}
	}
	return slices.DeleteFunc(slices.Sorted(slices.Values(paths)), func(p string) bool {
		return strings.HasSuffix(p, ".crc") || slices.ContainsFunc(strings.Split(p, "/"), func(name string) bool {
			return strings.HasPrefix(name, ".") && name != "." && name != ".." || strings.HasPrefix(name, "_")
		})
	}), nil
}

// TableFormat returns the format of the table whose log a file belongs to; empty if it belongs to none.
func TableFormat(p string) string {
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

//go:build !unix

package volume

import "io/fs"

// inode knows none on other systems.
func inode(fs.FileInfo) uint64 { return 0 }

package store

import (
	"io/fs"
	"slices"
)

// fileID tells a file from any other on the volume, whatever its names are: it is the number of its inode.
type fileID uint64

func idOf(info fs.FileInfo) fileID {
	number, _ := inodeOf(info)
	return fileID(number)
}

// Leave removes the originals that only a folder about to be removed has: those that it links, and, where there are no hard links, those that it
// has copies of. They are removed first, so that a process that is killed in between leaves none behind.
func (c Cache) Leave(folder Path, copies []string) error {
	links := map[fileID]int{}
	_ = folder.WalkDir(func(_ Path, entry fs.DirEntry, err error) error { // what cannot be seen is removed in time
		if err != nil {
			return err
		}
		if info, err := entry.Info(); err == nil && !entry.IsDir() && idOf(info) != 0 {
			links[idOf(info)]++
		}
		return nil
	})
	if len(links) == 0 {
		return nil
	}
	files, err := c.files()
	if err != nil {
		return err
	}
	for _, f := range files {
		own := links[f.id]
		if f.part || f.names > 1+own || own == 0 && !slices.Contains(copies, f.path.Base()) {
			continue
		}
		if err := removeUnused(f.path); err != nil {
			return err
		}
	}
	return nil
}

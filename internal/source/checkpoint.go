package source

import (
	"encoding/json"
)

// checkpointEvery is how many bytes of a file without a digest may have to be fetched again after a crash.
const checkpointEvery = 32 << 20

// checkpoint is written next to the part of a file whose digest is not known. Nothing proves the bytes of such a part, so the checkpoint
// names the file, and how many of its bytes were on the disk before the checkpoint was written: a node that loses its power may leave a
// file of the right length with other bytes at its end.
type checkpoint struct {
	Path      string `json:"path"`
	Size      int64  `json:"size"`
	Validator string `json:"validator"`
	Synced    int64  `json:"synced"`
}

// checkpointed returns how many bytes of a part are surely those of the file; 0 if it has no checkpoint of the file.
func checkpointed(part Part, f File) int64 {
	encoded, err := part.Checkpoint()
	if err != nil {
		return 0
	}
	return syncedOf(encoded, f)
}

// syncedOf returns how many bytes of a file were on the disk before an encoded checkpoint was; 0 if the checkpoint is not of the file.
func syncedOf(encoded []byte, f File) int64 {
	var c checkpoint
	if json.Unmarshal(encoded, &c) != nil || f.Validator == "" || c.Synced < 0 ||
		c != (checkpoint{f.Path, f.Size, f.Validator, c.Synced}) {
		return 0
	}
	return c.Synced
}

// write brings the part to the disk, and then the checkpoint.
func (c checkpoint) write(part Part) error {
	encoded, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return part.SetCheckpoint(encoded)
}

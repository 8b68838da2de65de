package source

import (
	"encoding/json"
	"errors"
	"os"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// checkpointEvery is how many bytes of a file without a digest may have to be fetched again after a crash.
const checkpointEvery = 32 << 20

// checkpoint stands beside the part of a file that no digest is known of. What is on the disk of such a part can be proved by
// nothing, so it says which file it is of, and how much of it was on the disk before the checkpoint was: a node that loses its
// power may leave a file of the right length with other bytes at its end.
type checkpoint struct {
	Path      string `json:"path"`
	Size      int64  `json:"size"`
	Validator string `json:"validator"`
	Synced    int64  `json:"synced"`
}

func checkpointPath(partPath string) string { return partPath + contract.CheckpointSuffix }

// checkpointed is how much of a part is known to be of the file; 0 where nothing says so.
func checkpointed(partPath string, f File) int64 {
	encoded, err := os.ReadFile(checkpointPath(partPath))
	if err != nil {
		return 0
	}
	var c checkpoint
	if json.Unmarshal(encoded, &c) != nil || f.Validator == "" || c.Synced < 0 ||
		c != (checkpoint{f.Path, f.Size, f.Validator, c.Synced}) {
		return 0
	}
	return c.Synced
}

// write brings the part to the disk, and then says so.
func (c checkpoint) write(part *os.File) error {
	if err := part.Sync(); err != nil {
		return err
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		return err
	}
	at := checkpointPath(part.Name())
	next, err := os.Create(at + ".next")
	if err != nil {
		return err
	}
	_, err = next.Write(encoded)
	if err := errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(at+".next", at)
}

// forget removes what stands beside a part.
func forget(partPath string) {
	_ = os.Remove(checkpointPath(partPath)) // it may not be there, and without its part it says nothing
}

package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
)

// Record has the processes and the network of a cluster. The host keeps it as RecordFile in the state folder.
type Record struct {
	spec.Cluster
	Processes []Process `json:"processes"` // the nodes' first processes
}

// Process is a process of the host.
type Process struct {
	PID int `json:"pid"`
	// StartTime is in ticks since boot. By it, a later process with the same number is recognized as another one.
	StartTime string `json:"startTime"`
}

// ReadRecord returns the record in the state folder, and false if it has no record.
func ReadRecord(stateDir string) (Record, bool, error) {
	var r Record
	content, err := os.ReadFile(filepath.Join(stateDir, spec.RecordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		return r, false, fmt.Errorf("reading the cluster's record: %w; if it is damaged, remove %s", err, stateDir)
	}
	return r, true, nil
}

func (r Record) write() error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(r.StateDir, spec.RecordFile)
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Alive reports whether all of the cluster's nodes run.
func (r Record) Alive() bool {
	return len(r.Processes) > 0 && !slices.ContainsFunc(r.Processes, func(p Process) bool { return !p.Alive() })
}

// Alive reports whether the process runs.
func (p Process) Alive() bool {
	start, err := startTime(p.PID)
	return err == nil && start == p.StartTime
}

// startTime reads field 22 of a process' stat. The second field is the program's name and may hold blanks and parentheses.
func startTime(pid int) (string, error) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return "", err
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return "", fmt.Errorf("process %d: unexpected stat %q", pid, stat)
	}
	if string(fields[0]) == "Z" {
		return "", fmt.Errorf("process %d has exited", pid)
	}
	return string(fields[19]), nil
}

// Package linked lists the modules that the programs link: those whose licenses are judged, and passed on with a release.
package linked

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
)

// Module is a module of another author, with the folder of its source.
type Module struct {
	Path, Version, Dir string
	Main               bool
}

// Modules returns the modules that the programs given to people link, by their paths; what only tests and tools link is not among them.
// The folder is that of the checkout.
func Modules(ctx context.Context, checkout string) ([]Module, error) {
	command := exec.CommandContext(ctx, "go", "list", "-deps", "-tags", "disable_grpc_modules", "-json=Module", "./cmd/manager", "./cmd/worker", "./cmd/kubectl-datasetmix")
	command.Dir, command.Stderr = checkout, os.Stderr
	listed, err := command.Output()
	if err != nil {
		return nil, err
	}
	var modules []Module
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var pkg struct{ Module *Module }
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if pkg.Module != nil && !pkg.Module.Main {
			modules = append(modules, *pkg.Module)
		}
	}
	slices.SortFunc(modules, func(a, b Module) int { return cmp.Compare(a.Path, b.Path) })
	return slices.Compact(modules), nil
}

// Command golangci-lint is golangci-lint with kube-api-linter linked in, so that one program reads .golangci.yml and
// nothing is downloaded but source.
package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"
	_ "sigs.k8s.io/kube-api-linter" // registers the module plugin "kubeapilinter"
)

// version has to be one that golangci-lint accepts for a configuration of version 2; hack/tools/go.mod holds the truth.
const version = "2.15.0"

func main() {
	if err := commands.Execute(commands.BuildInfo{GoVersion: runtime.Version(), Version: version}); err != nil {
		fmt.Fprintf(os.Stderr, "golangci-lint: %v\n", err)
		os.Exit(exitcodes.Failure)
	}
}

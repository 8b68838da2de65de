package main

import (
	"fmt"
	"strings"
)

// The outputs that are compared with the plain one.
const (
	rlExport   = "exports: [{name: rl, format: RL}]"
	mixedAlone = "keep: [Mixed]"
)

// manifest returns the mix that is measured: the six data sets from a claim, split 5:1 and mixed math:3:3. output is one more line of its
// output; empty for none.
func manifest(math int, output string) string {
	var out strings.Builder
	out.WriteString(`apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {name: bench}
spec:
  seed: 42
  splits:
  - {name: train, share: 5, size: {policy: KeepTotal}}
  - {name: test, share: 1, size: {policy: KeepTotal}}
  domains:
`)
	domain := ""
	for _, d := range datasets {
		if d.domain != domain {
			share := 3
			if domain = d.domain; domain == "math" {
				share = math
			}
			fmt.Fprintf(&out, "  - name: %s\n    share: %d\n    datasets:\n", domain, share)
		}
		fmt.Fprintf(&out, "    - {name: %s, source: {volume: {claimName: corpus, path: %s.jsonl}}, record: {preset: %s}}\n", d.name, d.name, d.name)
	}
	out.WriteString("  output:\n    volume: {claimTemplate: {accessModes: [ReadWriteOnce], size: 100Gi}}\n")
	if output != "" {
		out.WriteString("    " + output + "\n")
	}
	return out.String()
}

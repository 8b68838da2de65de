package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"
)

// shipped is the image in config.
const shipped = "ghcr.io/datasetmix/datasetmix"

// installation returns config/default with an image that is named by tag or digest, and the version on its Deployment.
func installation(image, version string) ([]byte, error) {
	config, err := filesOf("config")
	if err != nil {
		return nil, err
	}
	files := filesys.MakeFsInMemory()
	for _, file := range config {
		if err := files.WriteFile("/config/"+file.name, file.content); err != nil {
			return nil, err
		}
	}
	const at = "/config/default/kustomization.yaml"
	content, err := files.ReadFile(at)
	if err != nil {
		return nil, err
	}
	kustomization := &types.Kustomization{}
	if err := yaml.UnmarshalStrict(content, kustomization); err != nil {
		return nil, err
	}
	kustomization.Images = []types.Image{named(image)}
	if version != "" {
		patch := "- {op: add, path: /metadata/labels/app.kubernetes.io~1version, value: " + version + "}\n"
		target := resid.ResId{Gvk: resid.Gvk{Group: "apps", Version: "v1", Kind: "Deployment"}, Name: "datasetmix-manager"}
		kustomization.Patches = append(kustomization.Patches, types.Patch{Target: &types.Selector{ResId: target}, Patch: patch})
	}
	encoded, err := yaml.Marshal(kustomization)
	if err != nil {
		return nil, err
	}
	if err := files.WriteFile(at, encoded); err != nil {
		return nil, err
	}
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/config/default")
	if err != nil {
		return nil, err
	}
	text, err := made.AsYaml()
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf("# DatasetMix %s: kubectl apply --server-side -f install.yaml\n", version)
	return append([]byte(head), text...), nil
}

// named divides the name of an image.
func named(image string) types.Image {
	if repository, digest, ok := strings.Cut(image, "@"); ok {
		return types.Image{Name: shipped, NewName: repository, Digest: digest}
	}
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		return types.Image{Name: shipped, NewName: image[:i], NewTag: image[i+1:]}
	}
	return types.Image{Name: shipped, NewName: image, NewTag: "latest"}
}

// makeChart packs the chart with the version of the release and the digest of its image.
func (r release) makeChart(folder, digest string) error {
	entries, err := filesOf(folder)
	if err != nil {
		return err
	}
	number := strings.TrimPrefix(r.version, "v")
	set := map[string][][2]string{
		"Chart.yaml":  {{`(?m)^version: .*$`, "version: " + number}, {`(?m)^appVersion: .*$`, "appVersion: " + r.version}, {`(?m)^# make release sets both\n`, ""}},
		"values.yaml": {{`(?m)^  repository: .*$`, "  repository: " + r.repository}, {`(?m)^  digest: ""$`, "  digest: " + digest}},
	}
	for i := range entries {
		for _, change := range set[entries[i].name] {
			pattern := regexp.MustCompile(change[0])
			if len(pattern.FindAllIndex(entries[i].content, -1)) != 1 {
				return fmt.Errorf("%s has no line, or several, for %q", entries[i].name, change[1])
			}
			entries[i].content = pattern.ReplaceAll(entries[i].content, []byte(change[1]))
		}
		entries[i].name = "datasetmix/" + entries[i].name
	}
	packed, err := tarGzip(entries)
	if err != nil {
		return err
	}
	return r.write("datasetmix-"+number+".tgz", packed)
}

// makeKrew writes the manifest by which krew installs the command.
func (r release) makeKrew(archives []archived) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, `apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: datasetmix
spec:
  version: %s
  homepage: https://github.com/datasetmix/datasetmix
  shortDescription: Plan, build, follow and verify training-data mixes
  description: |
    DatasetMix builds training-data mixes, exact to the row. The plugin prints the plan of a mix before there is any data, builds
    it on a laptop to the bytes that a cluster would publish, follows a build on a cluster, and proves what was published.
  platforms:
`, r.version)
	for _, a := range archives {
		program := "kubectl-datasetmix"
		if a.platform.os == "windows" {
			program += ".exe"
		}
		fmt.Fprintf(&b, `  - selector: {matchLabels: {os: %s, arch: %s}}
    uri: %s/%s/%s
    sha256: %s
    files:
    - {from: %s, to: .}
    - {from: LICENSE, to: .}
    - {from: THIRD_PARTY_LICENSES, to: .}
    bin: %s
`, a.platform.os, a.platform.arch, r.address, r.version, a.file, sum(a.content), program, program)
	}
	return r.write("datasetmix.krew.yaml", b.Bytes())
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}

// sign writes the SHA-256 of every file, and the signature of that list.
func (r release) sign() error {
	entries, err := filesOf(r.out)
	if err != nil {
		return err
	}
	var list bytes.Buffer
	for _, e := range entries { // in the order of their names
		if e.name != sums && e.name != sums+".sig" {
			fmt.Fprintf(&list, "%s  %s\n", sum(e.content), filepath.Base(e.name))
		}
	}
	if err := r.write(sums, list.Bytes()); err != nil || r.key == "" {
		return err
	}
	key, err := os.ReadFile(r.key)
	if err != nil {
		return err
	}
	signature, err := signed(key, list.Bytes())
	if err != nil {
		return err
	}
	return r.write(sums+".sig", signature)
}

// sums is the file with the checksums.
const sums = "checksums.txt"

package main

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// TestTheRealRelease makes a release as make release does, of the real programs, twice, and judges what people download: equal bytes, the processor and
// the version of every program, and what it says of itself.
func TestTheRealRelease(t *testing.T) {
	if os.Getenv("REAL_RELEASE") == "" {
		t.Skip("it compiles the command for five platforms: make release-test")
	}
	const number = "98.76.54" // no module has this version
	t.Chdir(checkout)
	t.Setenv("VERSION", "v"+number)
	const repository = "registry.example.org/dm"
	made := madeTwice(t, func(out, key string) release {
		return release{
			version: "v" + number, repository: repository, out: out, key: key, address: "https://example.org/releases", build: goBuild, image: clusterImage,
		}
	})
	digest := judgeInstallation(t, made, repository, number)
	programs := programsOfImage(t, made["datasetmix-image.tar"], digest, "v"+number)
	for _, p := range commands {
		programs["kubectl-datasetmix-"+p.String()] = programOfArchive(t, made, p)
	}
	if len(programs) != 2*len(images)+len(commands) {
		t.Errorf("there are %d programs", len(programs))
	}
	for name, program := range programs {
		content, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(content), "v"+number) {
			t.Errorf("%s does not have its version", name)
		}
		judgeSBOM(t, made[name+".spdx.json"], program, "v"+number)
		if p := images[1].String(); strings.HasSuffix(name, p) {
			if err := checkELF(program, images[1]); err != nil {
				t.Error(err)
			}
		}
		t.Logf("%s: %.1f MB", name, float64(len(content))/1e6)
	}
	here := platform{"linux", runtime.GOARCH}.String()
	t.Setenv("KUBECONFIG", "/nowhere")
	for program, arguments := range map[string][]string{"manager-" + here: nil, "kubectl-datasetmix-" + here: {"version", "--client"}} {
		said, _ := exec.CommandContext(t.Context(), programs[program], arguments...).CombinedOutput() // the manager ends, for want of a cluster
		if !strings.Contains(string(said), "v"+number) {
			t.Errorf("%s says %q", program, said)
		}
	}
}

// programsOfImage unpacks the programs of every processor of an image, which has a digest, and its version as a label.
func programsOfImage(t *testing.T, packed, digest, version string) map[string]string {
	t.Helper()
	folder := t.TempDir()
	for _, e := range unpacked(t, packed) {
		put(t, filepath.Join(folder, e.name), e.content)
	}
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(outer.Manifests) == 0 {
		t.Fatal("the layout has no image")
	}
	programs := map[string]string{}
	for _, of := range outer.Manifests {
		image, err := index.Image(of.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		p := platform{config.OS, config.Architecture}
		if diff := cmp.Diff(map[string]string{"org.opencontainers.image.version": version}, config.Config.Labels); diff != "" || p.arch != of.Platform.Architecture {
			t.Errorf("%v: labels (-want +got):\n%s", p, diff)
		}
		for _, e := range filesOfImage(t, image) {
			if name := filepath.Base(e.name); name == "manager" || name == "worker" {
				programs[name+"-"+p.String()] = put(t, filepath.Join(t.TempDir(), name), e.content)
			}
		}
	}
	if got, err := index.Digest(); err != nil || got.String() != digest {
		t.Errorf("install.yaml names %s, and the image is %s: %v", digest, got, err)
	}
	return programs
}

// filesOfImage returns the files of an image's layers.
func filesOfImage(t *testing.T, image v1.Image) (files []entry) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		stream, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(stream)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, unpacked(t, string(content))...)
	}
	return files
}

// programOfArchive unpacks the command for one platform.
func programOfArchive(t *testing.T, made map[string]string, p platform) string {
	t.Helper()
	if p.os != "windows" {
		for _, e := range unpacked(t, made["kubectl-datasetmix-"+p.String()+".tar.gz"]) {
			if e.name == "kubectl-datasetmix" {
				return put(t, filepath.Join(t.TempDir(), e.name), e.content)
			}
		}
		t.Fatalf("no program for %s", p)
	}
	packed := made["kubectl-datasetmix-"+p.String()+".zip"]
	archive, err := zip.NewReader(strings.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := archive.Open("kubectl-datasetmix.exe")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return put(t, filepath.Join(t.TempDir(), "kubectl-datasetmix.exe"), content)
}

// put writes a program and returns its file.
func put(t *testing.T, file string, content []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

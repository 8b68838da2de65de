package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"sigs.k8s.io/yaml"
)

// program is what the releases of the tests are made of: small, so that it is packed quickly under the race detector, too, and with
// a list of modules as every program of Go has. It is built of two modules that the repository has anyway.
var program = sync.OnceValues(func() (string, error) { return smallProgram(images[0]) })

// programOfArm64 is the same one for the other processor of the image.
var programOfArm64 = sync.OnceValues(func() (string, error) { return smallProgram(images[1]) })

func smallProgram(p platform) (string, error) {
	folder, err := os.MkdirTemp("", "program")
	if err != nil {
		return "", err
	}
	sums, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	if err != nil {
		return "", err
	}
	manifest, err := os.ReadFile(filepath.Join(checkout, "go.mod"))
	if err != nil {
		return "", err
	}
	var of strings.Builder
	of.WriteString("module example.org/program\n\ngo 1.26\n")
	for _, module := range modules {
		version := regexp.MustCompile(`(?m)^\t` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(manifest)
		if version == nil {
			return "", fmt.Errorf("go.mod does not require %s", module)
		}
		fmt.Fprintf(&of, "\nrequire %s %s\n", module, version[1])
	}
	for name, content := range map[string]string{
		"go.mod": of.String(), "go.sum": string(sums),
		"main.go": "package main\n\nimport (\n\t_ \"golang.org/x/sync/errgroup\"\n\t_ \"golang.org/x/text/language\"\n)\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	build := exec.Command("go", "build", "-o", "program", ".")
	build.Dir = folder
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch)
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	return filepath.Join(folder, "program"), nil
}

var modules = []string{"golang.org/x/sync", "golang.org/x/text"}

// checkout is where the tests begin.
var checkout = func() string { folder, _ := filepath.Abs("../.."); return folder }()

func TestMain(m *testing.M) {
	code := m.Run()
	for _, program := range []func() (string, error){program, programOfArm64} {
		if built, err := program(); err == nil {
			_ = os.RemoveAll(filepath.Dir(built))
		}
	}
	os.Exit(code)
}

// standIn makes releases of that program.
func standIn(t *testing.T, out, key string) release {
	t.Helper()
	return release{
		version: "v1.2.3", repository: "registry.example.org/dm", out: out, key: key, address: "https://example.org/releases",
		build: func(_ context.Context, p platform, _, out string) error {
			program := program
			if p == images[1] {
				program = programOfArm64
			}
			built, err := program()
			if err != nil {
				return err
			}
			content, err := os.ReadFile(built)
			if err != nil {
				return err
			}
			return os.WriteFile(out, content, 0o755)
		},
		image: func(_ context.Context, p platform, folder, out string) error {
			content, err := os.ReadFile(filepath.Join(folder, "worker"))
			if err != nil {
				return err
			}
			layer, err := tarOf([]entry{{"worker", content[:1000], 0o755}, {"of", []byte(p.arch), 0o644}})
			if err != nil {
				return err
			}
			packed, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer)), nil })
			if err != nil {
				return err
			}
			image, err := mutate.AppendLayers(empty.Image, packed)
			if err != nil {
				return err
			}
			tag, err := name.NewTag("datasetmix:release")
			if err != nil {
				return err
			}
			return tarball.WriteToFile(out, tag, image)
		},
	}
}

// newKey writes a key for a test.
func newKey(t *testing.T) (file string, public *ecdsa.PublicKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, &key.PublicKey
}

func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := filesOf(folder)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		all[e.name] = string(e.content)
	}
	return all
}

// TestARelease: everything is there, names one image by its digest, is signed, and is the same bytes when it is made again.
func TestARelease(t *testing.T) {
	t.Chdir(checkout)
	made := madeTwice(t, func(out, key string) release { return standIn(t, out, key) })
	judgeInstallation(t, made, "registry.example.org/dm", "1.2.3")
	judgeKrew(t, made)
	built, err := programOfArm64()
	if err != nil {
		t.Fatal(err)
	}
	judgeSBOM(t, made["worker-linux-arm64.spdx.json"], built, "v1.2.3")
}

// madeTwice returns the files of a release after judging what holds of every one: that all are there, signed, and the same bytes when made again.
func madeTwice(t *testing.T, of func(out, key string) release) map[string]string {
	t.Helper()
	key, public := newKey(t)
	first, second := t.TempDir(), t.TempDir()
	for _, out := range []string{first, second} {
		began := time.Now()
		if err := of(out, key).make(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("made in %s", time.Since(began).Round(time.Second))
	}
	made := files(t, first)
	for name, content := range files(t, second) {
		if made[name] != content {
			t.Errorf("%s is not the same when it is made again", name)
		}
	}
	number := strings.TrimPrefix(of("", "").version, "v")
	want := []string{
		"THIRD_PARTY_LICENSES", "checksums.txt", "checksums.txt.sig", "datasetmix-" + number + ".tgz", "datasetmix-image.tar", "datasetmix.krew.yaml", "install.yaml",
		"kubectl-datasetmix-darwin-amd64.spdx.json", "kubectl-datasetmix-darwin-amd64.tar.gz", "kubectl-datasetmix-darwin-arm64.spdx.json", "kubectl-datasetmix-darwin-arm64.tar.gz",
		"kubectl-datasetmix-linux-amd64.spdx.json", "kubectl-datasetmix-linux-amd64.tar.gz", "kubectl-datasetmix-linux-arm64.spdx.json", "kubectl-datasetmix-linux-arm64.tar.gz",
		"kubectl-datasetmix-windows-amd64.spdx.json", "kubectl-datasetmix-windows-amd64.zip",
		"manager-linux-amd64.spdx.json", "manager-linux-arm64.spdx.json", "worker-linux-amd64.spdx.json", "worker-linux-arm64.spdx.json",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(made))); diff != "" {
		t.Fatalf("files (-want +made):\n%s", diff)
	}
	judgeSignature(t, made, public)
	if !strings.Contains(made["THIRD_PARTY_LICENSES"], "==== k8s.io/client-go ") || strings.Contains(made["THIRD_PARTY_LICENSES"], "testify") {
		t.Error("the licenses are not those of what the programs link")
	}
	return made
}

// judgeSignature checks that every file has its checksum in the list, and the list has its signature.
func judgeSignature(t *testing.T, made map[string]string, public *ecdsa.PublicKey) {
	t.Helper()
	for name, content := range made {
		if !strings.HasPrefix(name, sums) && !strings.Contains(made[sums], sum([]byte(content))+"  "+name+"\n") {
			t.Errorf("%s has no checksum", name)
		}
	}
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(made[sums+".sig"]))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(made[sums]))
	if !ecdsa.VerifyASN1(public, digest[:], signature) {
		t.Error("the signature is not that of the checksums")
	}
	digest[0]++
	if ecdsa.VerifyASN1(public, digest[:], signature) {
		t.Error("the signature is that of other checksums as well")
	}
}

// judgeInstallation checks that the manifest and the chart name the same image, by digest, and the same version.
func judgeInstallation(t *testing.T, made map[string]string, repository, number string) (digest string) {
	t.Helper()
	_, after, _ := strings.Cut(made["install.yaml"], repository+"@sha256:")
	if len(after) < 64 || strings.Contains(made["install.yaml"], ":latest") || !strings.Contains(made["install.yaml"], "app.kubernetes.io/version: v"+number) {
		t.Fatal("install.yaml is not pinned by digest, or has no version")
	}
	digest = "sha256:" + after[:64]
	chart := map[string]string{}
	for _, e := range unpacked(t, made["datasetmix-"+number+".tgz"]) {
		chart[e.name] = string(e.content)
	}
	for file, want := range map[string]string{
		"datasetmix/Chart.yaml": "\nversion: " + number + "\nappVersion: v" + number + "\n", "datasetmix/values.yaml": "  digest: " + digest + "\n",
		"datasetmix/files/datasetmixes.yaml": "kind: CustomResourceDefinition", "datasetmix/values.schema.json": "properties",
	} {
		if !strings.Contains(chart[file], want) {
			t.Errorf("%s has no %q", file, want)
		}
	}
	if !strings.Contains(chart["datasetmix/values.yaml"], "  repository: "+repository+"\n") {
		t.Error("the chart names another repository")
	}
	return digest
}

// unpacked returns the files of a tar archive, compressed or not.
func unpacked(t *testing.T, packed string) []entry {
	t.Helper()
	stream := io.Reader(strings.NewReader(packed))
	if strings.HasPrefix(packed, "\x1f\x8b") {
		plain, err := gzip.NewReader(stream)
		if err != nil {
			t.Fatal(err)
		}
		stream = plain
	}
	var entries []entry
	for reader := tar.NewReader(stream); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry{header.Name, content, header.FileInfo().Mode()})
	}
}

// judgeKrew checks that every archive is named with its digest and holds what is taken out of it.
func judgeKrew(t *testing.T, made map[string]string) {
	t.Helper()
	var plugin struct {
		Spec struct {
			Version   string
			Platforms []struct {
				URI, Sha256, Bin string
				Files            []struct{ From, To string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(made["datasetmix.krew.yaml"]), &plugin); err != nil {
		t.Fatal(err)
	}
	if len(plugin.Spec.Platforms) != len(commands) || plugin.Spec.Version != "v1.2.3" {
		t.Fatalf("%+v", plugin)
	}
	for _, p := range plugin.Spec.Platforms {
		name := p.URI[strings.LastIndex(p.URI, "/")+1:]
		if p.Sha256 != sum([]byte(made[name])) || !strings.HasPrefix(p.URI, "https://example.org/releases/v1.2.3/") || len(p.Files) != 3 || p.Files[0].From != p.Bin {
			t.Errorf("%+v", p)
		}
	}
}

// judgeSBOM checks that it has the program's digest and lists the modules that go version -m lists, no more and no fewer.
func judgeSBOM(t *testing.T, text, program, version string) {
	t.Helper()
	listed, err := exec.Command("go", "version", "-m", "-json", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	var info debug.BuildInfo
	if err := json.Unmarshal(listed, &info); err != nil {
		t.Fatal(err)
	}
	want := []string{info.Main.Path + " " + version, "go " + info.GoVersion}
	for _, module := range info.Deps {
		want = append(want, module.Path+" "+module.Version)
	}
	var document spdx
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range document.Packages {
		got = append(got, p.Name+" "+p.Version)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) < 2+len(modules) {
		t.Errorf("packages of %d (-program +SBOM):\n%s", len(got), diff)
	}
	if len(document.Relationships) != len(document.Packages) {
		t.Errorf("%d relationships of %d packages", len(document.Relationships), len(document.Packages))
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]checksum{{"SHA256", sum(content)}}, document.Packages[0].Checksums); diff != "" {
		t.Error(diff)
	}
}

// TestCheckELF: a program of another processor, and one that needs a loader, are no programs of the image.
func TestCheckELF(t *testing.T) {
	built, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if err := checkELF(built, images[0]); err != nil {
		t.Error(err)
	}
	if err := checkELF(built, images[1]); err == nil {
		t.Error("a program of amd64 is one of arm64")
	}
	shell, err := exec.LookPath("sh") // linked with a C library on every system that the tests run on
	if err != nil {
		t.Fatal(err)
	}
	if err := checkELF(shell, platform{"linux", runtime.GOARCH}); err == nil {
		t.Errorf("%s needs nothing", shell)
	}
}

// TestTheImageIsPushed with all of its processors, under the digest that the manifests name.
func TestTheImageIsPushed(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	r := standIn(t, t.TempDir(), "")
	r.repository, r.push = strings.TrimPrefix(server.URL, "http://")+"/dm", true
	digest, err := r.makeImage(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := name.NewDigest(r.repository + "@" + digest)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(pushed)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []v1.Platform
	for _, of := range manifest.Manifests {
		platforms = append(platforms, *of.Platform)
	}
	if diff := cmp.Diff([]v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}, platforms); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsNoRelease is refused before anything is made.
func TestWhatIsNoRelease(t *testing.T) {
	r := standIn(t, filepath.Join(t.TempDir(), "out"), "")
	r.version = "1.2"
	if err := r.make(t.Context()); err == nil {
		t.Error("1.2 was made")
	}
	if _, err := os.Stat(r.out); err == nil {
		t.Error("there is a folder all the same")
	}
	if _, err := signed([]byte("no key"), nil); err == nil {
		t.Error("a key that is none signs")
	}
}

// TestNamed divides every form of an image's name.
func TestNamed(t *testing.T) {
	for image, want := range map[string]string{
		"r.example.org:5000/dm@sha256:1": "r.example.org:5000/dm  sha256:1", "r.example.org:5000/dm:v1": "r.example.org:5000/dm v1 ", "r.example.org:5000/dm": "r.example.org:5000/dm latest ",
	} {
		got := named(image)
		if text := got.NewName + " " + got.NewTag + " " + got.Digest; text != want {
			t.Errorf("%s: %q, want %q", image, text, want)
		}
	}
}

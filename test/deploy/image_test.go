package deploy

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dockerfile returns the instructions of the image, one a line.
func dockerfile(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(string(content), "")
}

// TestTheImageIsBuiltByTheMakefile: so the programs in it are those that are tested, with the same flags.
func TestTheImageIsBuiltByTheMakefile(t *testing.T) {
	text := dockerfile(t)
	if strings.Contains(text, "go build") || !strings.Contains(text, " make VERSION=${VERSION} /src/bin/manager /src/bin/worker\n") {
		t.Errorf("the Dockerfile builds in its own way:\n%s", text)
	}
	if !strings.Contains(text, "LABEL org.opencontainers.image.version=${VERSION} ") || strings.Count(text, "\nARG VERSION=dev\n") != 2 {
		t.Errorf("the image does not say its version:\n%s", text)
	}
	if !strings.Contains(text, "COPY --from=build /src/bin/manager /src/bin/worker /\n") || !strings.Contains(text, "\nUSER 65532:65532\n") {
		t.Errorf("the Dockerfile takes something else, or as another user:\n%s", text)
	}
}

// TestTheImageTakesWhatItIsBuiltOf: every folder that the programs are of is copied; what they embed lies there as well.
func TestTheImageTakesWhatItIsBuiltOf(t *testing.T) {
	var copied []string
	for _, found := range regexp.MustCompile(`(?m)^COPY (\S+/) (\S+/)$`).FindAllStringSubmatch(dockerfile(t), -1) {
		if found[1] != found[2] {
			t.Errorf("%s becomes %s", found[1], found[2])
		}
		copied = append(copied, found[1])
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,Module", "./cmd/manager", "./cmd/worker")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var of struct {
			Dir    string
			Module *struct{ Main bool }
		}
		if err := decoder.Decode(&of); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if of.Module == nil || !of.Module.Main {
			continue
		}
		folder, err := filepath.Rel(root, of.Dir)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if !slices.ContainsFunc(copied, func(at string) bool { return strings.HasPrefix(folder+"/", at) }) {
			t.Errorf("%s is not copied", folder)
		}
	}
	if seen < 10 {
		t.Errorf("the programs are of %d packages", seen)
	}
}

// TestBaseImagesAreNamed: by a tag at least, by a digest where one is given, and Go's is the version of go.mod. Tags move, which the
// Dockerfile says and says what to do about.
func TestBaseImagesAreNamed(t *testing.T) {
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(module))[1]
	images := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^ARG (BASE|GO)=(\S+)$`).FindAllStringSubmatch(dockerfile(t), -1) {
		images[found[1]] = found[2]
	}
	for name, image := range images {
		if !regexp.MustCompile(`^[a-z0-9./-]+:[\w.-]+(@sha256:[0-9a-f]{64})?$`).MatchString(image) || strings.Contains(image, ":latest") {
			t.Errorf("%s is %s: name a version", name, image)
		}
	}
	if len(images) != 2 || !strings.HasPrefix(images["GO"], "golang:"+version) {
		t.Errorf("the images are %v, go.mod wants Go %s", images, version)
	}
	whole, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(images["BASE"], "@sha256:") && !strings.Contains(string(whole), "--build-arg BASE="+images["BASE"]+"@sha256:…") {
		t.Error("the Dockerfile does not say how its base image is named by digest")
	}
	for _, from := range regexp.MustCompile(`(?m)^FROM (.+)$`).FindAllStringSubmatch(dockerfile(t), -1) {
		if !strings.Contains(from[1], "${BASE}") && !strings.Contains(from[1], "${GO}") {
			t.Errorf("FROM %s is no ARG", from[1])
		}
	}
}

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/test/pages"
)

// browser is where hack/browser-libraries.sh has put what drives Chromium.
const browser = "../../dist/browser"

// TestThePagesOfABuild: while a mix is built, its page shows how far it is, and in the end its revision; Chromium follows it without
// loading the page again.
func TestThePagesOfABuild(t *testing.T) {
	e := newCluster(t)
	line := exec.CommandContext(t.Context(), thisCommand, "ui")
	line.Env = append(os.Environ(), "KUBECONFIG="+e.kubeconfig(t.TempDir()))
	address := pages.Serve(t, line)
	if page := pages.Get(t, address, http.StatusOK); !strings.Contains(page, "There is no DatasetMix here yet.") {
		t.Errorf("before: %s", page)
	}
	mix := e.sixDataSets()
	e.must(e.Create(t.Context(), mix))

	followed := make(chan error, 1)
	var seen strings.Builder
	if chromium, err := os.ReadFile(filepath.Join(browser, "ready")); err == nil {
		look := exec.CommandContext(t.Context(), "node", "--test", "--test-name-pattern=followed to its end", filepath.Join(browser, "ui.test.mjs"))
		look.Env = append(os.Environ(), "CHROMIUM="+strings.TrimSpace(string(chromium)), "ADDRESS="+address, "FOLLOWED="+mix.Name, "VOLUME=", "PICTURES="+filepath.Join(browser, "pictures"))
		look.Stdout, look.Stderr = &seen, &seen
		go func() { followed <- look.Run() }()
	} else {
		t.Logf("no browser looks: %v; hack/browser-libraries.sh says what is missing", err)
		followed <- nil
	}

	shown := map[string]bool{}
	e.until(mix.Name, "it is published", func(mix *datav1alpha1.DatasetMix) bool {
		if page := pages.Get(t, address+"mix?name="+mix.Name, http.StatusOK); strings.Contains(page, "<progress ") {
			shown["stages"] = true
		}
		if page := pages.Get(t, address, http.StatusOK); strings.Contains(page, ": Running, ") {
			shown["running"] = true
		}
		return mix.Status.Published != nil
	})
	if !shown["stages"] || !shown["running"] {
		t.Errorf("the pages showed %v of the build", shown)
	}
	published := e.ready(mix.Name).Status.Published
	for _, address := range []string{address, address + "mix?name=" + mix.Name} {
		if page := pages.Get(t, address, http.StatusOK); !strings.Contains(page, published.Revision) {
			t.Errorf("%s lacks revision %s: %s", address, published.Revision, page)
		}
	}
	if err := <-followed; err != nil {
		t.Errorf("%v: %s", err, seen.String())
	}
}

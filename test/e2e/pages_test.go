package e2e

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// browser is where hack/browser-libraries.sh has put what drives Chromium.
const browser = "../../dist/browser"

// pages starts the command's pages of the namespace, and returns their address.
func (p people) pages() string {
	p.Helper()
	line := exec.CommandContext(p.Context(), "../../bin/kubectl-datasetmix", "ui")
	line.Env = p.environment
	out, err := line.StdoutPipe()
	p.must(err)
	p.must(line.Start())
	p.Cleanup(func() { _ = line.Wait() }) // the context of the test ends it
	address, err := bufio.NewReader(out).ReadString('\n')
	p.must(err)
	return strings.TrimSpace(address)
}

// page returns a page's content.
func (p people) page(address string) string {
	p.Helper()
	request, err := http.NewRequestWithContext(p.Context(), http.MethodGet, address, nil)
	p.must(err)
	answer, err := http.DefaultClient.Do(request)
	p.must(err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	p.must(err)
	if answer.StatusCode != http.StatusOK {
		p.Fatalf("%s: %s: %s", address, answer.Status, content)
	}
	return string(content)
}

// TestThePagesOfABuild: while a mix is built, its page shows how far it is, and in the end its revision; Chromium follows it without
// loading the page again.
func TestThePagesOfABuild(t *testing.T) {
	e := newCluster(t)
	p := people{e, append(os.Environ(), "KUBECONFIG="+e.kubeconfig(t.TempDir()))}
	address := p.pages()
	if page := p.page(address); !strings.Contains(page, "There is no DatasetMix here yet.") {
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
		if page := p.page(address + "mix?name=" + mix.Name); strings.Contains(page, "<progress ") {
			shown["stages"] = true
		}
		if page := p.page(address); strings.Contains(page, ": Running, ") {
			shown["running"] = true
		}
		return mix.Status.Published != nil
	})
	if !shown["stages"] || !shown["running"] {
		t.Errorf("the pages showed %v of the build", shown)
	}
	published := e.ready(mix.Name).Status.Published
	for _, address := range []string{address, address + "mix?name=" + mix.Name} {
		if page := p.page(address); !strings.Contains(page, published.Revision) {
			t.Errorf("%s lacks revision %s: %s", address, published.Revision, page)
		}
	}
	if err := <-followed; err != nil {
		t.Errorf("%v: %s", err, seen.String())
	}
}

package command

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

// pages starts the program's pages of a namespace, and returns their address.
func pages(t *testing.T, arguments ...string) string {
	t.Helper()
	line := exec.CommandContext(t.Context(), program, append([]string{"ui"}, arguments...)...)
	line.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	out, err := line.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Wait() }) // the context of the test ends it
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// shows asks for a page, and wants a status and some words.
func shows(t *testing.T, address string, status int, words ...string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != status {
		t.Fatalf("%s has status %d, want %d: %s", address, answer.StatusCode, status, page)
	}
	for _, word := range words {
		if !strings.Contains(string(page), word) {
			t.Errorf("%s lacks %q: %s", address, word, page)
		}
	}
}

// TestThePagesOfACluster: a mix, how far its build is, and later its revision and its history. BROWSER is a folder that
// hack/browser.sh has prepared: then Chromium looks at the pages as well.
func TestThePagesOfACluster(t *testing.T) {
	space := namespace(t)
	made := mix(t, space, building)
	address := pages(t, "-n", space)
	shows(t, address, http.StatusOK, "grpo-six", "split: Running, 2 of 6", "none yet", "namespace "+space)
	shows(t, address+"mix?name=grpo-six", http.StatusOK, "Stage split is under way.", "<progress value=\"2\" max=\"6\"")
	shows(t, address+"mix?name=other", http.StatusNotFound)
	shows(t, address+"rows?mix=grpo-six", http.StatusNotFound, "kubectl datasetmix ui DIR")
	shows(t, address[:strings.LastIndex(strings.TrimSuffix(address, "/"), "/")+1], http.StatusForbidden)
	if folder := os.Getenv("BROWSER"); folder != "" {
		look := exec.CommandContext(t.Context(), "node", "--test", "--test-name-pattern=of a cluster", filepath.Join(folder, "ui.test.mjs"))
		look.Env = append(os.Environ(), "ADDRESS="+address, "VOLUME=", "PICTURES="+filepath.Join(folder, "pictures"))
		if out, err := look.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}

	told(t, made, func(mix *datav1alpha1.DatasetMix) {
		ready(mix)
		p := mix.Status.Published
		mix.Status.History = []datav1alpha1.HistoryEntry{{Revision: p.Revision, Generation: mix.Generation, Digest: p.Digest, Time: p.Time}}
	})
	shows(t, address, http.StatusOK, "<code>3f9c2a1b0d</code>")
	shows(t, address+"mix?name=grpo-six", http.StatusOK, "<th>3f9c2a1b0d</th>", strings.Repeat("a", 64))
}

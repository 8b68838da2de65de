package command

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

// served starts the program's pages of the suite's cluster, and returns their address.
func served(t *testing.T, arguments ...string) string {
	t.Helper()
	line := exec.CommandContext(t.Context(), program, append([]string{"ui"}, arguments...)...)
	line.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	return pages.Serve(t, line)
}

// shows asks for a page, and wants a status and some words.
func shows(t *testing.T, address string, status int, words ...string) {
	t.Helper()
	page := pages.Get(t, address, status)
	for _, word := range words {
		if !strings.Contains(page, word) {
			t.Errorf("%s lacks %q: %s", address, word, page)
		}
	}
}

// TestThePagesOfACluster: a mix, how far its build is, and later its revision and its history. BROWSER is a folder that
// hack/browser.sh has prepared: then Chromium looks at the pages as well.
func TestThePagesOfACluster(t *testing.T) {
	space := namespace(t)
	made := mix(t, space, building)
	address := served(t, "-n", space)
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

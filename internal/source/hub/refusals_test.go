package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// TestRefusals is every way in which the Hub says no, with the message that a user sees.
func TestRefusals(t *testing.T) {
	repo := func(change func(*hub.Repo)) hub.Repo {
		r := withFiles("data/train-0.parquet")
		change(&r)
		return r
	}
	open := repo(func(*hub.Repo) {})
	gated := repo(func(r *hub.Repo) { r.Gated = "manual" })
	private := repo(func(r *hub.Repo) { r.Private = true })
	for _, tc := range []struct {
		name   string
		repo   hub.Repo
		spec   recipe.HuggingFace
		token  string
		reason contract.Reason
		says   []string
	}{
		{"missing", open, recipe.HuggingFace{Repo: "acme/nothing"}, "", contract.SourceNotFound,
			[]string{"no data set repository acme/nothing", "or it is private", "tokenSecretRef"}},
		{"missing with a token", open, recipe.HuggingFace{Repo: "acme/nothing"}, "hf_stranger", contract.SourceNotFound,
			[]string{"no data set repository acme/nothing", "the given token may not read it"}},
		{"private without a token", private, recipe.HuggingFace{Repo: "acme/set"}, "", contract.SourceNotFound,
			[]string{"or it is private", "tokenSecretRef"}},
		{"private with another's token", private, recipe.HuggingFace{Repo: "acme/set"}, "hf_stranger", contract.SourceNotFound,
			[]string{"the given token may not read it"}},
		{"gated without a token", gated, recipe.HuggingFace{Repo: "acme/set"}, "", contract.SourceGated,
			[]string{"is gated", "accept its terms at http", "/datasets/acme/set", "tokenSecretRef"}},
		{"gated with another's token", gated, recipe.HuggingFace{Repo: "acme/set"}, "hf_stranger", contract.SourceGated,
			[]string{"is gated", "ask for access"}},
		{"bad token", open, recipe.HuggingFace{Repo: "acme/set"}, "hf_wrong", contract.AuthenticationFailed,
			[]string{"does not accept the token", "tokenSecretRef"}},
		{"disabled", repo(func(r *hub.Repo) { r.Disabled = true }), recipe.HuggingFace{Repo: "acme/set"}, "", contract.SourceDisabled,
			[]string{"Repository acme/set has been disabled", "another source"}},
		{"no such revision", open, recipe.HuggingFace{Repo: "acme/set", Revision: "v9/x"}, "", contract.RevisionNotFound,
			[]string{`no revision "v9/x"`}},
		{"no such file", open, recipe.HuggingFace{Repo: "acme/set", Files: []string{"data/*.json"}}, "", contract.FileNotFound,
			[]string{`matches "data/*.json"`, "It has README.md, data/train-0.parquet."}},
		{"a file without data", repo(func(r *hub.Repo) { r.Files["data/train-0.parquet"] = hub.File{LFS: true} }),
			recipe.HuggingFace{Repo: "acme/set"}, "", contract.SourceEmpty, []string{"no data in data/train-0.parquet of repository acme/set", "Choose other files"}},
		{"a loading script alone", repo(func(r *hub.Repo) {
			r.Files = map[string]hub.File{"README.md": {}, "set.py": {Content: []byte("import datasets")}}
		}), recipe.HuggingFace{Repo: "acme/set"}, "", contract.SourceEmpty, []string{"loading script set.py", "no script is run", "refs/convert/parquet"}},
		{"no files of data", repo(func(r *hub.Repo) {
			r.Files = map[string]hub.File{"README.md": {}, "weights.bin": {Content: []byte("1")}}
		}), recipe.HuggingFace{Repo: "acme/set"}, "", contract.SourceEmpty, []string{"no files of data: it has README.md, weights.bin", "with files"}},
		{"no files at all", repo(func(r *hub.Repo) { r.Files = nil }), recipe.HuggingFace{Repo: "acme/set"}, "", contract.SourceEmpty,
			[]string{"has no files at this revision"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tokens := map[string][]string{"hf_granted": {"*"}, "hf_stranger": {}}
			_, s, c := onHub(t, hub.Options{Tokens: tokens}, tc.spec, tc.token, tc.repo)
			err := sources.ReadAll(s)
			sources.WantReason(t, err, tc.reason)
			for _, part := range tc.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("message %q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "hf_") {
				t.Errorf("message %q holds the token", err)
			}
			if len(c.Waits()) > 0 {
				t.Errorf("waited %v for what does not change", c.Waits())
			}
		})
	}
	for _, r := range []hub.Repo{gated, private} {
		_, s, _ := onHub(t, hub.Options{Tokens: map[string][]string{"hf_granted": {"*"}}}, recipe.HuggingFace{Repo: "acme/set"}, "hf_granted\n", r)
		if err := sources.ReadAll(s); err != nil {
			t.Errorf("with the right token: %v", err)
		}
	}
}

func TestRenamedRepositoryIsFollowedWithItsToken(t *testing.T) {
	r := withFiles("data/train-0.parquet")
	r.Private, r.Formerly = true, []string{"acme/old"}
	_, s, _ := onHub(t, hub.Options{Tokens: map[string][]string{"hf_granted": {"*"}}}, recipe.HuggingFace{Repo: "acme/old"}, "hf_granted", r)
	if err := sources.ReadAll(s); err != nil {
		t.Error(err)
	}
}

// TestBoundsOfAListing: a Hub that lists without end, or what no repository has, is left.
func TestBoundsOfAListing(t *testing.T) {
	cursor := 0
	for _, tc := range []struct {
		name string
		page hub.Effect
		says string
	}{
		{"pages without end", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			cursor++
			w.Header().Set("Link", fmt.Sprintf(`<?cursor=%d>; rel="next"`, cursor))
			_, _ = io.WriteString(w, "[]")
		}, "does not end"},
		{"a page without end", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			_, _ = io.WriteString(w, "[")
			for range 20 << 20 {
				if _, err := io.WriteString(w, " "); err != nil {
					return
				}
			}
		}, "more than 16777216 bytes"},
		{"a path without end", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			page, _ := json.Marshal([]map[string]any{{"type": "file", "path": strings.Repeat("a/", 3000) + "b.csv", "size": 3, "oid": someCommit}})
			_, _ = w.Write(page)
		}, "is not a path inside the repository"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			standIn, s, c := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "acme/set"}, "", withFiles("train.csv"))
			standIn.Faults.Add(hub.Fault{On: hub.KindTree, Times: -1, Do: tc.page})
			_, err := s.Resolve(context.Background())
			sources.WantReason(t, err, contract.InvalidData)
			if !strings.Contains(err.Error(), tc.says) || len(err.Error()) > 1000 || len(c.Waits()) > 0 {
				t.Errorf("message %q after %d waits, want %q", err, len(c.Waits()), tc.says)
			}
		})
	}
}

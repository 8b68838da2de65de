package hub_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// sortsOfRepos returns one repository of each sort of access.
func sortsOfRepos() []hub.Repo {
	var out []hub.Repo
	for _, name := range []string{"open", "gated", "private", "disabled"} {
		r := letters()
		r.ID = "acme/" + name
		r.Private, r.Disabled = name == "private", name == "disabled"
		if name == "gated" {
			r.Gated = "manual"
		}
		out = append(out, r)
	}
	return out
}

func TestAccess(t *testing.T) {
	tokens := map[string][]string{"granted": {"acme/gated", "acme/private"}, "stranger": {}}
	_, endpoint := serve(t, hub.Options{Tokens: tokens}, sortsOfRepos()...)
	const (
		ok        = "200 "
		moved     = "302 "
		badToken  = "401 : Invalid credentials in Authorization header"
		hidden401 = "401 RepoNotFound: Invalid username or password."
		hidden404 = "404 RepoNotFound: Repository not found"
		disabled  = "403 : Access to this resource is disabled."
		gated401  = "401 GatedRepo: Access to dataset acme/gated is restricted. You must have access to it and be authenticated to access it. Please log in."
		gated403  = "403 GatedRepo: Access to dataset acme/gated is restricted and you are not in the authorized list."
	)
	for _, tc := range []struct{ repo, token, info, file string }{
		{"open", "", ok, moved},
		{"open", "stranger", ok, moved},
		{"open", "wrong", badToken, badToken},
		{"gated", "", ok, gated401},
		{"gated", "stranger", ok, gated403},
		{"gated", "granted", ok, moved},
		{"private", "", hidden401, hidden401},
		{"private", "stranger", hidden404, hidden404},
		{"private", "granted", ok, moved},
		{"missing", "", hidden401, hidden401},
		{"missing", "granted", hidden404, hidden404},
		{"disabled", "granted", disabled, disabled},
	} {
		t.Run(tc.repo+"/"+tc.token, func(t *testing.T) {
			var header []string
			if tc.token != "" {
				header = []string{"Authorization", "Bearer " + tc.token}
			}
			got := func(path string) string {
				res, _ := ask(t, "GET", endpoint+path, header...)
				said := res.Status[:4] + res.Header.Get("X-Error-Code")
				if m := res.Header.Get("X-Error-Message"); m != "" {
					said += ": " + m
				}
				return said
			}
			if diff := cmp.Diff(tc.info, got("/api/datasets/acme/"+tc.repo)); diff != "" {
				t.Errorf("information (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.file, got("/datasets/acme/"+tc.repo+"/resolve/main/data/train-0.parquet")); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
			wantCheck := strings.Replace(tc.file, moved, ok, 1)
			if diff := cmp.Diff(wantCheck, got("/api/datasets/acme/"+tc.repo+"/auth-check")); diff != "" {
				t.Errorf("auth-check (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenamedRepoIsRedirected(t *testing.T) {
	repo := letters()
	repo.Formerly = []string{"acme/alphabet"}
	_, endpoint := serve(t, hub.Options{}, repo)
	res, _ := ask(t, "GET", endpoint+"/api/datasets/acme/alphabet/tree/main?recursive=true")
	want := "/api/datasets/acme/letters/tree/main?recursive=true"
	if res.StatusCode != http.StatusTemporaryRedirect || res.Header.Get("Location") != want {
		t.Errorf("%s to %s, want 307 to %s", res.Status, res.Header.Get("Location"), want)
	}
}

func TestQuota(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	opts := hub.Options{Quota: map[string]int{"api": 2}, Now: func() time.Time { return now }}
	_, endpoint := serve(t, opts, letters())
	said := func(path string) string {
		res, _ := ask(t, "GET", endpoint+path)
		return strings.TrimSpace(strings.Join([]string{res.Status[:3], res.Header.Get("RateLimit"), res.Header.Get("Retry-After")}, " "))
	}
	info, file := "/api/datasets/acme/letters", "/datasets/acme/letters/resolve/main/README.md"
	var got []string
	for _, step := range []func() string{
		func() string { return said(info) },
		func() string { now = now.Add(100 * time.Second); return said(info) },
		func() string { return said(info) },
		func() string { return said(file) }, // another budget, without a limit
		func() string { now = now.Add(200 * time.Second); return said(info) },
	} {
		got = append(got, step())
	}
	want := []string{
		`200 "api";r=1;t=300`, `200 "api";r=0;t=200`, `429 "api";r=0;t=200 200`, "307", `200 "api";r=1;t=300`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSignedAddressEndsByTheClock(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	_, endpoint := serve(t, hub.Options{SignedFor: time.Minute, Now: func() time.Time { return now }}, letters())
	res, _ := ask(t, "GET", endpoint+"/datasets/acme/letters/resolve/main/data/train-0.parquet")
	location := res.Header.Get("Location")
	now = now.Add(59 * time.Second)
	if res, _ = ask(t, "GET", location); res.StatusCode != http.StatusOK {
		t.Errorf("after 59 s: %s", res.Status)
	}
	now = now.Add(2 * time.Second)
	if res, _ = ask(t, "GET", location); res.StatusCode != http.StatusForbidden {
		t.Errorf("after 61 s: %s", res.Status)
	}
}

// TestATokenIsForTheHub: the host of large files refuses a request that is signed and has a token, too, unless it is the Hub.
func TestATokenIsForTheHub(t *testing.T) {
	h, endpoint := serve(t, hub.Options{Tokens: map[string][]string{"token": {"*"}}}, letters())
	file := "/datasets/" + letters().ID + "/resolve/main/data/train-0.parquet"
	for _, tc := range []struct {
		cdn  string
		want int
	}{{endpoint, http.StatusBadRequest}, {"", http.StatusOK}} {
		h.SetCDN(tc.cdn)
		led, _ := ask(t, "GET", endpoint+file, "Authorization", "Bearer token")
		to, err := led.Location()
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := ask(t, "GET", to.String(), "Authorization", "Bearer token"); got.StatusCode != tc.want {
			t.Errorf("with the large files at %q: %s, want %d", tc.cdn, got.Status, tc.want)
		}
	}
}

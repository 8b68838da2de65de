package hub_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	kind "github.com/datasetmix/datasetmix/internal/source/hub"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/realrows"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

const someCommit = "0123456789abcdef0123456789abcdef01234567"

// opened returns the source of a repository, with a clock that never waits.
func opened(t *testing.T, spec recipe.HuggingFace, o kind.Options, c *sources.Clock) source.Source {
	t.Helper()
	reading := sources.Options(c)
	client, err := transport.NewClient(transport.Options{}, reading.Retry)
	if err != nil {
		t.Fatal(err)
	}
	s, err := kind.New(spec, o, client)
	if err != nil {
		t.Fatal(err)
	}
	return source.Wrap(s, reading)
}

// onHub makes a source for a repository of a Hub, and returns the Hub and the source's clock with it.
func onHub(t *testing.T, opts hub.Options, spec recipe.HuggingFace, token string, repos ...hub.Repo) (*hub.Hub, source.Source, *sources.Clock) {
	t.Helper()
	standIn, c := hub.New(opts, repos...), sources.NewClock()
	return standIn, opened(t, spec, kind.Options{Endpoint: hub.Start(t, standIn) + "/", Token: token}, c), c
}

// TestTheSixDatasets resolves the sources of the samples against the stand-in, and reads one file of each whole.
func TestTheSixDatasets(t *testing.T) {
	standIn := hub.New(hub.Options{}, repos.Generated(0.01)...)
	o := kind.Options{Endpoint: hub.Start(t, standIn)}
	train := func(config string) string { return config + "/train-00000-of-00001.parquet" }
	for _, tc := range []struct {
		spec    recipe.HuggingFace
		license string
		want    []string
	}{
		{recipe.HuggingFace{Repo: "openai/gsm8k", Config: "main", Split: "train", Revision: repos.GSM8KCommit},
			"mit", []string{train("main")}},
		{recipe.HuggingFace{Repo: "EleutherAI/hendrycks_math", Files: []string{"*/train-*.parquet"}, Revision: repos.MATHCommit},
			"mit", []string{train("algebra"), train("counting_and_probability"), train("geometry"), train("intermediate_algebra"),
				train("number_theory"), train("prealgebra"), train("precalculus")}},
		{recipe.HuggingFace{Repo: "rajpurkar/squad_v2", Split: "train"}, "cc-by-sa-4.0", []string{train("squad_v2")}},
		{recipe.HuggingFace{Repo: "hotpotqa/hotpot_qa", Config: "distractor", Split: "train"}, "cc-by-sa-4.0",
			[]string{"distractor/train-00000-of-00002.parquet", "distractor/train-00001-of-00002.parquet"}},
		{recipe.HuggingFace{Repo: "openai/openai_humaneval"}, "mit", []string{"openai_humaneval/test-00000-of-00001.parquet"}},
		{recipe.HuggingFace{Repo: "google-research-datasets/mbpp", Config: "sanitized", Revision: "main"}, "cc-by-4.0",
			[]string{"sanitized/prompt-00000-of-00001.parquet", "sanitized/test-00000-of-00001.parquet",
				train("sanitized"), "sanitized/validation-00000-of-00001.parquet"}},
	} {
		t.Run(tc.spec.Repo, func(t *testing.T) {
			s := opened(t, tc.spec, o, sources.NewClock())
			l, err := s.Resolve(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, sources.Paths(l)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if l.License != tc.license || len(l.Revision) != 40 || tc.spec.Revision != "main" && tc.spec.Revision != "" && l.Revision != tc.spec.Revision {
				t.Errorf("licence %q, revision %q", l.License, l.Revision)
			}
			got, err := sources.FetchTo(context.Background(), s, l.Files[0], filepath.Join(t.TempDir(), "part"))
			if err != nil || got.SHA256 != l.Files[0].SHA256 || got.Size != l.Files[0].Size {
				t.Errorf("fetched %+v, %v", got, err)
			}
		})
	}
}

func TestRealRowsComeThrough(t *testing.T) {
	repos, err := repos.FromData(realrows.Folder(t))
	if err != nil {
		t.Fatal(err)
	}
	_, s, _ := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "openai/gsm8k", Config: "main", Split: "train"}, "", repos...)
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	got, err := sources.FetchTo(context.Background(), s, l.Files[0], filepath.Join(t.TempDir(), "part"))
	if err != nil || got.SHA256 != l.Files[0].SHA256 {
		t.Errorf("fetched %+v, %v", got, err)
	}
}

// withFiles returns an open repository with files of one line each.
func withFiles(files ...string) hub.Repo {
	r := hub.Repo{ID: "acme/set", SHA: someCommit, Files: map[string]hub.File{"README.md": {Content: []byte("read me")}}}
	for _, f := range files {
		r.Files[f] = hub.File{Content: []byte(f + "\n"), LFS: strings.HasSuffix(f, ".parquet")}
	}
	return r
}

func TestResolvePinsTheCommit(t *testing.T) {
	const next = "89abcdef0123456789abcdef0123456789abcdef"
	standIn, s, _ := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "acme/set", Revision: "main"}, "", withFiles("data/train-0.parquet"))
	l, err := s.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	moved := withFiles("data/train-0.parquet", "data/train-1.parquet")
	moved.SHA, moved.Files["data/train-0.parquet"] = next, hub.File{Content: []byte("other"), LFS: true}
	standIn.Put(moved)
	got, err := sources.Read(s, l.Files[0], 0)
	if err != nil || string(got) != "data/train-0.parquet\n" {
		t.Errorf("after the branch moved: %q, %v", got, err)
	}
	again, err := s.Resolve(context.Background())
	if err != nil || again.Revision != next || len(again.Files) != 2 {
		t.Errorf("listed again: %+v, %v", again, err)
	}
}

func TestListingFollowsPages(t *testing.T) {
	var files []string
	for _, a := range "abcdefghij" {
		for _, b := range "0123456789" {
			files = append(files, "data/"+string(a)+"/"+string(b)+".parquet")
		}
	}
	for name, opts := range map[string]hub.Options{
		"of the Hub":              {PageSize: 7},
		"with links to elsewhere": {PageSize: 7, LinkBase: "https://hub.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			standIn, s, _ := onHub(t, opts, recipe.HuggingFace{Repo: "acme/set"}, "", withFiles(files...))
			l, err := s.Resolve(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(files, sources.Paths(l)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if got, want := standIn.Count(hub.KindTree), (len(files)+12+6)/7; got != want { // README.md and 11 folders
				t.Errorf("%d pages were asked for, want %d", got, want)
			}
			if standIn.Downloads()+standIn.Count(hub.KindHead)+standIn.Count(hub.KindResolve) != 0 || standIn.Count(hub.KindInfo) != 1 {
				t.Errorf("listing asked for %v", standIn.Counts())
			}
		})
	}
}

func TestOneFailedPageDoesNotBeginTheListingAgain(t *testing.T) {
	standIn, s, _ := onHub(t, hub.Options{PageSize: 1}, recipe.HuggingFace{Repo: "acme/set"}, "", withFiles("a.parquet", "b.parquet"))
	standIn.Faults.Add(hub.Fault{On: hub.KindTree, After: 2, Times: 3, Do: hub.Answer(503)})
	if _, err := s.Resolve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := standIn.Counts(); got[hub.KindTree] != 6 || got[hub.KindInfo] != 1 {
		t.Errorf("asked %v, want 3 pages and 3 failures, and the information once", got)
	}
}

func TestListingGivesUpOnce(t *testing.T) {
	standIn, s, c := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "acme/set"}, "", withFiles("a.parquet"))
	standIn.Faults.Add(hub.Fault{Times: -1, Do: hub.Answer(500, "X-Request-Id", "Root=1")})
	_, err := s.Resolve(context.Background())
	sources.WantReason(t, err, contract.FetchFailed)
	if got := standIn.Count(hub.KindInfo); got != 6 || len(c.Waits()) != 5 {
		t.Errorf("asked %d times with %d waits, want 6 and 5: layers repeated each other", got, len(c.Waits()))
	}
	if !strings.Contains(err.Error(), "request id Root=1") {
		t.Errorf("message without the request id: %v", err)
	}
}

func TestSignedAddressIsRenewedInTheMiddle(t *testing.T) {
	standIn, s, _ := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "acme/set"}, "", hub.Repo{
		ID: "acme/set", SHA: someCommit, Files: map[string]hub.File{"train.parquet": {Content: sources.Text(), LFS: true}},
	})
	standIn.Faults.Add(hub.Fault{On: hub.KindCDN, Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		defer standIn.ExpireSignedURLs()
		hub.CutAfter(7000)(w, r, next)
	}})
	if err := sources.ReadAll(s); err != nil {
		t.Fatal(err)
	}
	if got := standIn.Count(hub.KindResolve); got != 2 {
		t.Errorf("asked %d times where the file lies, want 2", got)
	}
}

func TestRefusedSignedAddressIsTriedAgain(t *testing.T) {
	standIn, s, c := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "acme/set"}, "", withFiles("train.parquet"))
	standIn.Faults.Add(hub.Fault{On: hub.KindCDN, Times: 2, Do: hub.Answer(403)})
	if err := sources.ReadAll(s); err != nil || len(c.Waits()) != 2 {
		t.Errorf("%v after %d waits", err, len(c.Waits()))
	}
	standIn.Faults.Add(hub.Fault{On: hub.KindCDN, Times: -1, Do: hub.Answer(403)})
	sources.WantReason(t, sources.ReadAll(s), contract.FetchFailed)
}

func TestMirrors(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault hub.Fault
		want  contract.Reason // empty is success
	}{
		{"that leave headers out", hub.Fault{Times: -1, Do: hub.Without("X-Repo-Commit", "X-Linked-Etag", "X-Linked-Size", "Content-Length")}, ""},
		{"that leave Content-Range out", hub.Fault{On: hub.KindCDN, Times: -1, Do: hub.Without("Content-Range")}, ""},
		{"of another commit", hub.Fault{On: hub.KindResolve, Times: -1,
			Do: hub.Answer(200, "X-Repo-Commit", strings.Repeat("9", 40))}, contract.ChecksumMismatch},
		{"of another file", hub.Fault{On: hub.KindResolve, Times: -1,
			Do: hub.Answer(200, "X-Linked-Etag", `"`+strings.Repeat("9", 64)+`"`)}, contract.ChecksumMismatch},
		{"of another size", hub.Fault{On: hub.KindResolve, Times: -1, Do: hub.Answer(200, "X-Linked-Size", "7")}, contract.ChecksumMismatch},
		{"that answer with a page for people", hub.Fault{On: hub.KindInfo, Times: -1,
			Do: hub.Answer(200, "Content-Type", "text/html")}, contract.FetchFailed},
		{"that lead round in a circle", hub.Fault{On: hub.KindInfo, Times: -1,
			Do: hub.Answer(302, "Location", "/api/datasets/acme/set")}, contract.SourceNotFound},
		{"that lead nowhere", hub.Fault{On: hub.KindInfo, Times: -1, Do: hub.Answer(302)}, contract.FetchFailed},
		{"that compress", hub.Fault{On: hub.KindCDN, Times: -1,
			Do: hub.Answer(200, "Content-Encoding", "br")}, contract.InvalidData},
	} {
		t.Run(tc.name, func(t *testing.T) {
			hub, s, _ := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "acme/set"}, "", withFiles("train.parquet"))
			hub.Faults.Add(tc.fault)
			err := sources.ReadAll(s)
			if tc.want != "" {
				sources.WantReason(t, err, tc.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// answers returns a Hub of canned JSON by path.
func answers(t *testing.T, byPath map[string]any) source.Source {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := byPath[strings.TrimPrefix(r.URL.Path, "/mirror/api/datasets/acme/set")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.URL.Query().Get("again") != "" {
			w.Header().Set("Link", `<http://elsewhere/x?again=1>; rel="next"`)
		}
		body, _ := json.Marshal(v)
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	spec := recipe.HuggingFace{Repo: "acme/set", Endpoint: server.URL + "/mirror/"}
	return opened(t, spec, kind.Options{}, sources.NewClock())
}

func TestOddAnswers(t *testing.T) {
	info := map[string]any{"sha": someCommit, "cardData": map[string]any{"license": []string{"mit", "other"}, "dataset_info": 7}}
	byHand := map[string]any{"sha": someCommit, "cardData": map[string]any{"configs": "by hand"}}
	entry := func(path string) []map[string]any {
		return []map[string]any{{"type": "file", "path": path, "size": 3, "oid": someCommit}}
	}
	pointer := func(oid string) []map[string]any {
		return []map[string]any{{"type": "file", "path": "train.csv", "size": 3, "oid": someCommit, "lfs": map[string]any{"oid": oid, "size": 3}}}
	}
	t.Run("endpoint with a path", func(t *testing.T) {
		s := answers(t, map[string]any{"": info, "/tree/" + someCommit: entry("train.csv")})
		l, err := s.Resolve(context.Background())
		want := source.Listing{Revision: someCommit, License: "mit, other", Files: []source.File{
			{Path: "train.csv", Size: 3, GitBlob: someCommit, Revision: someCommit}}}
		if diff := cmp.Diff(want, l); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
	for _, tc := range []struct {
		name   string
		byPath map[string]any
		want   contract.Reason
	}{
		{"configurations that are text", map[string]any{"": byHand, "/tree/" + someCommit: entry("train.csv")}, contract.InvalidData},
		{"a digest that is none", map[string]any{"": info, "/tree/" + someCommit: pointer("sha256:../../../thesis.tex")}, contract.InvalidData},
		{"a path with an escape sequence", map[string]any{"": info, "/tree/" + someCommit: entry("train\x1b[2J.csv")}, contract.InvalidData},
		{"a path that leads out", map[string]any{"": info, "/tree/" + someCommit: entry("../train.csv")}, contract.InvalidData},
		{"no commit", map[string]any{"": map[string]any{}}, contract.FetchFailed},
		{"disabled with 200", map[string]any{"": map[string]any{"sha": someCommit, "disabled": true}}, contract.SourceDisabled},
		{"404 without a code", nil, contract.SourceNotFound},
		{"no files", map[string]any{"": info, "/tree/" + someCommit: []any{}}, contract.SourceEmpty},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := answers(t, tc.byPath).Resolve(context.Background())
			sources.WantReason(t, err, tc.want)
		})
	}
}

func TestListingThatDoesNotEnd(t *testing.T) {
	standIn, s, _ := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "acme/set"}, "", withFiles("train.csv"))
	standIn.Faults.Add(hub.Fault{On: hub.KindTree, Times: -1, Do: func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Link", `<?cursor=same>; rel="next"`)
		_, _ = io.WriteString(w, "[]")
	}})
	_, err := s.Resolve(context.Background())
	sources.WantReason(t, err, contract.InvalidData)
	if got := standIn.Count(hub.KindTree); got != 2 {
		t.Errorf("asked for %d pages, want 2", got)
	}
}

func TestPinnedCommitMustBeTheAnswer(t *testing.T) {
	const pinned = "89abcdef0123456789abcdef0123456789abcdef"
	r := withFiles("train.csv")
	r.Aliases = []string{pinned} // a mirror that answers any commit with its own
	_, s, _ := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "acme/set", Revision: pinned}, "", r)
	_, err := s.Resolve(context.Background())
	sources.WantReason(t, err, contract.ChecksumMismatch)
}

func TestNamesThatMustBeEscaped(t *testing.T) {
	names := []string{"a b.csv", "a#b.csv", "a%20b.csv", "a+b.csv", "a&b=c.csv", "a:b.csv", "ä/ö.csv", "a?b.csv", "[a]{b}.csv", `a\\b.csv`, "a;b,c.csv"}
	for _, large := range []bool{true, false} {
		r := hub.Repo{ID: "acme/set.v1_x-y", SHA: someCommit, Aliases: []string{"refs/convert/parquet"}, Files: map[string]hub.File{}}
		for _, name := range names {
			r.Files[name] = hub.File{Content: []byte(name), LFS: large}
		}
		_, s, _ := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: r.ID, Revision: "refs/convert/parquet"}, "", r)
		l, err := s.Resolve(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Files) != len(names) {
			t.Errorf("listed %q", sources.Paths(l))
		}
		for _, f := range l.Files {
			if got, err := sources.Read(s, f, 0); err != nil || string(got) != f.Path {
				t.Errorf("%s: %q, %v", f.Path, got, err)
			}
		}
	}
}

func TestFileOfNoCommit(t *testing.T) {
	_, s, _ := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "acme/set"}, "", withFiles("train.csv"))
	_, err := s.Open(context.Background(), source.File{Path: "train.csv", Size: -1, Revision: "main"}, 0)
	sources.WantReason(t, err, contract.InvalidTask)
	_, err = s.Open(context.Background(), source.File{Path: "nothing.csv", Size: -1, Revision: someCommit}, 0)
	sources.WantReason(t, err, contract.FileNotFound)
	if !strings.Contains(err.Error(), "There is no nothing.csv of repository acme/set on ") {
		t.Errorf("message %q", err)
	}
}

func TestQuotaIsWaitedFor(t *testing.T) {
	c := sources.NewClock()
	standIn := hub.New(hub.Options{Quota: map[string]int{"api": 2}, PageSize: 1, Now: c.Now}, withFiles("a.csv", "b.csv"))
	s := opened(t, recipe.HuggingFace{Repo: "acme/set"}, kind.Options{Endpoint: hub.Start(t, standIn)}, c)
	if _, err := s.Resolve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := len(c.Waits()); n != 1 { // information and a page, then a window later two pages
		t.Errorf("waited %v, want once", c.Waits())
	}
}

// TestMirrorOfAnotherSmallFile: git's digest of a small file stands on the first answer, before anything is downloaded.
func TestMirrorOfAnotherSmallFile(t *testing.T) {
	standIn, s, _ := onHub(t, hub.Options{}, recipe.HuggingFace{Repo: "acme/set"}, "", withFiles("train.csv"))
	standIn.Faults.Add(hub.Fault{On: hub.KindResolve, Times: -1, Do: hub.Answer(200, "ETag", `"`+strings.Repeat("9", 40)+`"`)})
	err := sources.ReadAll(s)
	sources.WantReason(t, err, contract.ChecksumMismatch)
	if !strings.Contains(err.Error(), "git blob SHA-1") || standIn.Downloads() != 0 {
		t.Errorf("%v, after %d downloads", err, standIn.Downloads())
	}
}

// TestNewRefuses: a specification that cannot work is an error before anything is read, and its message holds nothing secret.
func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		spec recipe.HuggingFace
		o    kind.Options
		says string
	}{
		{"no namespace", recipe.HuggingFace{Repo: "squad"}, kind.Options{}, `"squad" is not namespace/name`},
		{"a path", recipe.HuggingFace{Repo: "a/../b"}, kind.Options{}, "not namespace/name"},
		{"a bad pattern", recipe.HuggingFace{Repo: "a/b", Files: []string{"a["}}, kind.Options{}, `"a[" in files`},
		{"an empty pattern", recipe.HuggingFace{Repo: "a/b", Files: []string{""}}, kind.Options{}, "not a valid pattern"},
		{"an endpoint without a scheme", recipe.HuggingFace{Repo: "a/b"}, kind.Options{Endpoint: "hub:8080"}, "endpoint"},
		{"an endpoint with a password", recipe.HuggingFace{Repo: "a/b", Endpoint: "https://u:secret@hub"}, kind.Options{}, "endpoint"},
		{"a token of two lines", recipe.HuggingFace{Repo: "a/b"}, kind.Options{Token: "secret\nsecret"}, "The token for a/b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := kind.New(tc.spec, tc.o, nil)
			sources.WantReason(t, err, contract.InvalidTask)
			if !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("message %q, want %q and nothing secret", err, tc.says)
			}
		})
	}
}

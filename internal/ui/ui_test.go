package ui

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/stage"
)

// hostile is what a row may say.
const hostile = `</div><script>fetch('http://evil.example/')</script><img src=x onerror=alert(1)>`

// built returns a volume with two revisions of one mix. Its rows hold markup, escape codes, a chat and a program, and a
// question of one split that another has nearly.
func built(t *testing.T) string {
	t.Helper()
	claims, volume := t.TempDir(), t.TempDir()
	var sums, chats strings.Builder
	for i := range 60 {
		words := fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i%45)))
		fmt.Fprintf(&sums, "{\"question\":\"What is the sum of the numbers %d and %s, %s, %s, %s, %s, %s, %s?\",\"answer\":\"#### %d\"}\n",
			i, words[:6], words[6:12], words[12:18], words[18:24], words[24:30], words[30:36], words[36:42], i)
		fmt.Fprintf(&chats, "{\"question\":%q,\"answer\":\"```python\\nprint(%d)\\n```\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello %d\"},{\"role\":\"assistant\",\"content\":\"Hi\"}]}\n",
			hostile+" \\u001b[31m "+fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, "c", i)))+" "+strings.Join(strings.Split(fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i))), "1"), " "), i, i)
	}
	for name, content := range map[string]string{"sums.jsonl": sums.String(), "chats.jsonl": strings.ReplaceAll(chats.String(), `\\u`, `\u`)} {
		if err := os.WriteFile(filepath.Join(claims, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) recipe.Source {
		return recipe.Source{Volume: &recipe.Volume{ClaimName: "c", Path: name}}
	}
	r := recipe.Recipe{
		Name: "mix", Seed: 1, Order: recipe.Shuffled, Output: recipe.Output{Path: "team/mix", Format: recipe.JSONL, KeepRevisions: 3, Layout: recipe.LayoutRule},
		Splits: []recipe.Split{{Name: "train", Share: 3, Size: recipe.Size{Policy: recipe.KeepTotal}}, {Name: "test", Share: 1, Size: recipe.Size{Policy: recipe.NoRepeat}}},
		Domains: []recipe.Domain{
			{Name: "math", Share: 3, Balance: recipe.Largest, Datasets: []recipe.Dataset{{Name: "sums", Source: at("sums.jsonl"), Record: recipe.Record{Preset: "gsm8k"}}}},
			{Name: "talk", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{{Name: "chats", Source: at("chats.jsonl"),
				Record: recipe.Record{Rule: recipe.RecordRule, Question: "row.question", ReferenceAnswer: "row.answer", AnswerType: "code", Keep: []string{"messages"}}}}},
		},
		NearDuplicates: &recipe.NearDuplicates{Percent: 60, N: 2, Bands: 25, Rows: 4},
	}
	worker := stage.Worker{Volume: volume, Source: func(d recipe.Dataset) (source.Source, error) {
		var options open.Options
		options.Volume.Claims = map[string]string{"c": claims}
		return open.New(d.Source, options)
	}}
	for _, share := range []int64{3, 5} {
		r.Domains[0].Share = share
		if _, err := worker.Build(context.Background(), r, 2, quiet{}); err != nil {
			t.Fatal(err)
		}
	}
	return volume
}

// quiet watches a build and keeps it to itself.
type quiet struct{}

func (quiet) Begin(pipeline.Step) {}

func (quiet) Done(pipeline.Stage, pipeline.Node, pipeline.Result, stage.Way) {}

// served is a server of a folder as it listens.
type served struct {
	t   *testing.T
	ui  *Server
	web *httptest.Server
}

func serve(t *testing.T, options Options) *served {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	address := web.Listener.Addr().String()
	pages, err := New(address, options)
	if err != nil {
		t.Fatal(err)
	}
	web.Config.Handler = pages.Handler()
	web.Start()
	t.Cleanup(func() { web.Close(); pages.Close() })
	return &served{t, pages, web}
}

// get asks for a page, and wants a status.
func (s *served) get(page string, status int) string {
	s.t.Helper()
	return s.ask(s.t.Context(), http.MethodGet, s.ui.URL()+page, nil, nil, status)
}

func (s *served) ask(ctx context.Context, method, address string, header map[string]string, body io.Reader, status int) string {
	s.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range header {
		if name == "Host" {
			request.Host = value
		}
		request.Header.Set(name, value)
	}
	answer, err := s.web.Client().Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.StatusCode != status {
		s.t.Fatalf("%s %s has status %d, want %d: %.300s", method, address, answer.StatusCode, status, content)
	}
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe-eval") || strings.Contains(policy, "http") {
		s.t.Errorf("%s has the policy %q", address, policy)
	}
	return string(content)
}

func TestPages(t *testing.T) {
	s := serve(t, Options{Folder: built(t), Judge: func(context.Context, []byte) (recipe.Recipe, error) { return recipe.Recipe{}, errors.New("no mix") }})
	home := s.get("", http.StatusOK)
	names := regexp.MustCompile(`rev=([0-9a-f]{10})">revision [0-9a-f]{10}</a> \(current\)`).FindStringSubmatch(home)
	if names == nil || !strings.Contains(home, "<h3>team/mix</h3>") || strings.Count(home, "<li>") != 2 {
		t.Fatalf("the home page is %s", home)
	}
	mix := "mix=team%2Fmix&rev=" + names[1]
	page := s.get("revision?"+mix, http.StatusOK)
	for _, want := range []string{"The report, with pictures", "Compared with revision", "What an edit would come to", "dropped for others", "mixed/train_mixed.jsonl"} {
		if !strings.Contains(page, want) {
			t.Errorf("the revision's page lacks %q", want)
		}
	}
	if page := s.get("report?"+mix, http.StatusOK); !strings.Contains(page, "Where the rows went") {
		t.Errorf("the report is %.300s", page)
	}
	other := regexp.MustCompile(`compare\?[^"]*`).FindString(page)
	if page := s.get(strings.ReplaceAll(other, "&amp;", "&"), http.StatusOK); !strings.Contains(page, "recipe.domains[math].share") || !strings.Contains(page, "<td>3</td><td>5</td>") {
		t.Errorf("the comparison is %s", page)
	}
}

// shownRows returns the numbers of the rows on a page.
func shownRows(page string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`<h2>Row ([0-9,]+)`).FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	return out
}

func TestRowsArePagedAndFiltered(t *testing.T) {
	s := serve(t, Options{Folder: built(t)})
	const mix = "mix=team%2Fmix&file=mixed%2Ftrain_mixed.jsonl"
	first := s.get("rows?"+mix, http.StatusOK)
	if got := shownRows(first); len(got) != pageRows || got[0] != "1" {
		t.Fatalf("the first page has the rows %v", got)
	}
	next := strings.ReplaceAll(regexp.MustCompile(`class="next" href="([^"]*)"`).FindStringSubmatch(first)[1], "&amp;", "&")
	if got := shownRows(s.get(next, http.StatusOK)); got[0] != "26" {
		t.Errorf("the second page begins with row %s", got[0])
	}
	if got := shownRows(s.get("rows?"+mix+"&number=31", http.StatusOK)); got[0] != "31" {
		t.Errorf("asked for row 31, the page begins with row %s", got[0])
	}
	text := regexp.MustCompile(`numbers [0-9]+ and`).FindString(first)
	for name, c := range map[string]struct{ query, has, lacks string }{
		"data set": {"dataset=sums", "sums_", "chats_"}, "domain": {"domain=talk", "chats_", "sums_"},
		"answer type": {"type=code", "chats_", "sums_"}, "text": {"text=" + url.QueryEscape(text), text, "chats_"},
	} {
		t.Run(name, func(t *testing.T) {
			page := s.get("rows?"+mix+"&"+c.query, http.StatusOK)
			_, articles, _ := strings.Cut(page, "<article")
			if !strings.Contains(articles, c.has) || strings.Contains(articles, c.lacks) {
				t.Errorf("the page has other rows: %.600s", articles)
			}
		})
	}
	one := regexp.MustCompile(`id=(sums_[0-9]+)`).FindStringSubmatch(first)
	if one == nil {
		t.Fatal("no row says that it repeats")
	}
	if got := shownRows(s.get("rows?"+mix+"&id="+one[1], http.StatusOK)); len(got) < 2 {
		t.Errorf("the row %s, which repeats, is found at %v", one[1], got)
	}
}

// A chat is shown as its turns, and a program as one.
func TestChatsAndCode(t *testing.T) {
	s := serve(t, Options{Folder: built(t)})
	page := s.get("rows?mix=team%2Fmix&dataset=chats&file=processed%2Fchats%2Ftrain.jsonl", http.StatusOK)
	for _, want := range []string{`<div class="turn"><b>user</b><div class="text">Hello `, "<b>assistant</b>", "<pre tabindex=\"0\"><code>```python\nprint("} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %.2000s", want, page)
		}
	}
	if got := pieces("Say:\n```go\nfunc f()\n```\nand so on"); len(got) != 3 || !got[1].Code || got[1].Text != "func f()" {
		t.Errorf("the pieces are %+v", got)
	}
	if got := turnsOf([]byte(`"[{\"from\":\"human\",\"value\":\"x\"}]"`)); len(got) != 1 || got[0].Role != "human" {
		t.Errorf("the turns are %+v", got)
	}
	if got := turnsOf([]byte(`[{"role":1,"content":"x"}]`)); got != nil {
		t.Errorf("the turns of what is no chat are %+v", got)
	}
}

// Both sides of a near duplicate are shown: the row that was dropped, and the one that it was nearly.
func TestBothSides(t *testing.T) {
	s := serve(t, Options{Folder: built(t)})
	page := s.get("dropped?mix=team%2Fmix&reason=nearDuplicate", http.StatusOK)
	link := regexp.MustCompile(`href="(pair\?[^"]*dataset=sums[^"]*)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatalf("no row was dropped: %s", page)
	}
	both := s.get(strings.ReplaceAll(link[1], "&amp;", "&"), http.StatusOK)
	if strings.Count(both, `<section class="row"`) < 2 || !strings.Contains(both, "% of the words") || !strings.Contains(both, "<h2>test ") {
		t.Errorf("the page is %.1500s", both)
	}
}

// What a row says is shown, and nothing that it says is done.
func TestHostileRowsAreInert(t *testing.T) {
	s := serve(t, Options{Folder: built(t)})
	page := s.get("rows?mix=team%2Fmix&dataset=chats&file=processed%2Fchats%2Ftrain.jsonl", http.StatusOK)
	if strings.Contains(page, "<img") || strings.Contains(page, "<script>") || strings.Contains(page, "\x1b") || !strings.Contains(page, "&lt;script&gt;fetch") {
		t.Errorf("the row is not shown as text: %.1500s", page)
	}
	text := s.get("rows?mix=team%2Fmix&text="+url.QueryEscape(`"><script>alert(1)</script>`), http.StatusOK)
	if strings.Contains(text, "<script>alert") {
		t.Error("what is looked for is not shown as text")
	}
}

func TestAttacksAreRefused(t *testing.T) {
	volume := built(t)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.MkdirAll(filepath.Join(outside, "revisions", "r"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "revisions", "r", "manifest.json"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(volume, "link")); err != nil {
		t.Fatal(err)
	}
	s := serve(t, Options{Folder: volume, Judge: func(context.Context, []byte) (recipe.Recipe, error) { return recipe.Recipe{}, nil }})
	base := s.ui.URL()
	root := strings.TrimSuffix(base, s.ui.token+"/")
	for _, c := range []struct {
		name, method, address string
		header                map[string]string
		status                int
	}{
		{"another name leads here", "GET", base, map[string]string{"Host": "evil.example"}, http.StatusForbidden},
		{"the name localhost", "GET", base, map[string]string{"Host": strings.Replace(s.web.Listener.Addr().String(), "127.0.0.1", "localhost", 1)}, http.StatusForbidden},
		{"a page of elsewhere", "GET", base, map[string]string{"Origin": "http://evil.example"}, http.StatusForbidden},
		{"a page without an origin", "GET", base, map[string]string{"Origin": "null"}, http.StatusForbidden},
		{"an image of elsewhere", "GET", base, map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
		{"a form of another port", "POST", base + "edit", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"}, http.StatusForbidden},
		{"a form without an origin", "POST", base + "edit", nil, http.StatusForbidden},
		{"no token", "GET", root, nil, http.StatusForbidden},
		{"no token, a page", "GET", root + "rows?mix=team%2Fmix", nil, http.StatusForbidden},
		{"another token", "GET", root + strings.Repeat("A", len(s.ui.token)) + "/", nil, http.StatusForbidden},
		{"the beginning of the token", "GET", root + s.ui.token[:40] + "/", nil, http.StatusForbidden},
		{"what changes something", "DELETE", base, nil, http.StatusForbidden},
		{"a form where only reading is", "POST", base + "rows", map[string]string{"Origin": strings.TrimSuffix(root, "/")}, http.StatusMethodNotAllowed},
		{"a path out of the folder", "GET", base + "revision?mix=..%2F..%2Fetc&rev=", nil, http.StatusNotFound},
		{"a revision out of the folder", "GET", base + "revision?mix=team%2Fmix&rev=..%2F..%2F..", nil, http.StatusNotFound},
		{"a file out of the revision", "GET", base + "rows?mix=team%2Fmix&file=..%2F..%2F..%2Fetc%2Fpasswd", nil, http.StatusNotFound},
		{"a file that holds no rows", "GET", base + "rows?mix=team%2Fmix&file=manifest.json", nil, http.StatusNotFound},
		{"a link out of the folder", "GET", base + "revision?mix=link&rev=r", nil, http.StatusNotFound},
		{"a path of the server", "GET", base + "../../etc/passwd", nil, http.StatusForbidden},
		{"an escaped path", "GET", base + "..%2f..%2fetc%2fpasswd", nil, http.StatusNotFound},
		{"a place that is no row", "GET", base + "rows?mix=team%2Fmix&at=3", nil, http.StatusBadRequest},
		{"a place behind the end", "GET", base + "rows?mix=team%2Fmix&at=99999999999", nil, http.StatusBadRequest},
		{"a place that is no number", "GET", base + "rows?mix=team%2Fmix&at=-1", nil, http.StatusBadRequest},
		{"a row of another data set", "GET", base + "pair?mix=team%2Fmix&dataset=sums&split=train&id=..%2Fx", nil, http.StatusNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			if page := s.ask(t.Context(), c.method, c.address, c.header, nil, c.status); strings.Contains(page, "secret") || strings.Contains(page, "root:") {
				t.Errorf("the answer is %s", page)
			}
		})
	}
	if page := s.get("", http.StatusOK); strings.Contains(page, "link") && strings.Contains(page, "secret") {
		t.Errorf("the home page shows what a link out of the folder leads to: %s", page)
	}
}

func TestOnlyTheLoopbackDevice(t *testing.T) {
	for _, address := range []string{"0.0.0.0:80", "192.0.2.1:80", "[::]:80", "example.org:80", "127.0.0.1"} {
		if _, err := New(address, Options{}); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
	a, err := New("127.0.0.1:80", Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := New("[::1]:80", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a.token == b.token || len(a.token) < 43 {
		t.Errorf("the tokens are %s and %s", a.token, b.token)
	}
}

// The mixes of a cluster, their progress and their history. What may not be listed is named.
func TestTheCluster(t *testing.T) {
	three, five := int32(3), int32(5)
	mix := &datav1alpha1.DatasetMix{ObjectMeta: metav1.ObjectMeta{Name: "grpo"}, Status: datav1alpha1.DatasetMixStatus{
		Stages:  []datav1alpha1.StageStatus{{Name: "download", State: "Running", Done: &three, Total: &five}},
		History: []datav1alpha1.HistoryEntry{{Revision: "0123456789", Generation: 4, Digest: strings.Repeat("a", 64)}},
	}}
	var failed error
	s := serve(t, Options{Where: "namespace training", Mixes: func(context.Context) ([]*datav1alpha1.DatasetMix, error) {
		return []*datav1alpha1.DatasetMix{mix}, failed
	}})
	if page := s.get("", http.StatusOK); !strings.Contains(page, "namespace training") || !strings.Contains(page, `<progress value="3" max="5"`) {
		t.Errorf("the home page is %s", page)
	}
	if page := s.get("mix?name=grpo", http.StatusOK); !strings.Contains(page, "0123456789") {
		t.Errorf("the page of the mix is %s", page)
	}
	s.get("mix?name=other", http.StatusNotFound)
	s.get("rows?mix=grpo", http.StatusNotFound)
	failed = errors.New("not permitted: list datasetmixes")
	if page := s.get("", http.StatusOK); !strings.Contains(page, "not permitted: list datasetmixes") {
		t.Errorf("the home page is %s", page)
	}
}

// The plan of an edit is that of the build, and says what is built again.
func TestThePlanOfAnEdit(t *testing.T) {
	volume := built(t)
	of, err := openFolder(volume)
	if err != nil {
		t.Fatal(err)
	}
	defer of.root.Close()
	m, err := of.manifest(of.revisions("team/mix")[0])
	if err != nil {
		t.Fatal(err)
	}
	edited := m.Recipe
	s := serve(t, Options{Folder: volume, Judge: func(_ context.Context, content []byte) (recipe.Recipe, error) {
		if string(content) != "edited" {
			return recipe.Recipe{}, errors.New("spec.seed: Required value")
		}
		return edited, nil
	}})
	post := func(manifest string) string {
		form := url.Values{"mix": {"team/mix"}, "manifest": {manifest}}.Encode()
		header := map[string]string{"Origin": "http://" + s.ui.host, "Content-Type": "application/x-www-form-urlencoded"}
		return s.ask(t.Context(), http.MethodPost, s.ui.URL()+"edit", header, strings.NewReader(form), http.StatusOK)
	}
	if page := post("wrong"); !strings.Contains(page, "spec.seed: Required value") {
		t.Errorf("the page is %s", page)
	}
	edited.Domains = append([]recipe.Domain(nil), m.Recipe.Domains...)
	edited.Domains[0].Share = 9
	page := post("edited")
	for _, want := range []string{"<li>balance of mix</li>", "<li>mix and publish</li>", "domains[math].share", "<td>5</td><td>9</td>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	edited.Seed = 2
	if page := post("edited"); !strings.Contains(page, "<li>split of sums</li>") || !strings.Contains(page, "is known once these are built") {
		t.Errorf("the page of another seed is %s", page)
	}
}

// manyRows writes a file of rows that are all the same, and returns one of them.
func manyRows(t *testing.T, name string, rows int64) []byte {
	t.Helper()
	line := []byte(`{"id":"sums_1","dataset":"sums","domain":"math","question":"` + strings.Repeat("What is it? ", 12) + `","reference_answer":"1","answer_type":"numeric","metadata":{"source":"sums","original_id":"1"}}` + "\n")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	block := []byte(strings.Repeat(string(line), 1000))
	for range rows / 1000 {
		if _, err := file.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return line
}

// Ten million rows: the first page, a page far behind and a filter that finds nothing answer soon, and hold next to nothing.
func TestManyRows(t *testing.T) {
	rows := int64(200_000)
	if os.Getenv("MANY_ROWS") != "" {
		rows = 10_000_000
	}
	volume := built(t)
	of, err := openFolder(volume)
	if err != nil {
		t.Fatal(err)
	}
	at := of.revisions("team/mix")[0].path("mixed/train_mixed.jsonl")
	of.root.Close()
	line := manyRows(t, filepath.Join(volume, filepath.FromSlash(at)), rows)
	s := serve(t, Options{Folder: volume})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for _, c := range []struct {
		name, query string
		most        time.Duration
	}{
		{"first", "", 300 * time.Millisecond}, {"first again", "", 300 * time.Millisecond},
		{"nothing wanted", "&text=nothing+of+this", time.Second}, {"far behind", "&number=30", 300 * time.Millisecond},
	} {
		began := time.Now()
		s.get("rows?mix=team%2Fmix&file=mixed%2Ftrain_mixed.jsonl"+c.query, http.StatusOK)
		took := time.Since(began)
		t.Logf("%s of %d rows: %v", c.name, rows, took)
		if os.Getenv("MANY_ROWS") != "" && took > c.most {
			t.Errorf("%s took %v, at most %v", c.name, took, c.most)
		}
	}
	f, info, err := s.ui.folder.open(at)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	began := time.Now()
	found, err := s.ui.folder.marksOf(at, info).seek(t.Context(), f, info.Size(), rows-1)
	if err != nil || found.Offset != (rows-1)*int64(len(line)) {
		t.Fatalf("the last row begins at %d: %v", found.Offset, err)
	}
	t.Logf("the last of %d rows was found in %v", rows, time.Since(began))
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d bytes are held", grown)
	}
}

func TestManifestsOfNoRevisionAreAMistakeToShow(t *testing.T) {
	volume := t.TempDir()
	if err := os.MkdirAll(filepath.Join(volume, "m/revisions/r"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(volume, "m/revisions/r", revision.ManifestFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, Options{Folder: volume})
	if page := s.get("revision?mix=m&rev=r", http.StatusInternalServerError); !strings.Contains(page, "This cannot be shown") {
		t.Errorf("the page is %s", page)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/stores"
)

func small() recipe.Recipe {
	return recipe.Recipe{
		Name: "small", Seed: 1, Order: recipe.Shuffled, Output: recipe.Output{Path: "small", Format: recipe.JSONL, KeepRevisions: 1},
		Splits: []recipe.Split{{Name: "train", Share: 1, Size: recipe.Size{Policy: recipe.KeepTotal}}},
		Domains: []recipe.Domain{{Name: "math", Share: 1, Balance: recipe.Largest, Datasets: []recipe.Dataset{{
			Name: "sums", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "corpora", Path: "sums.jsonl"}}, Record: recipe.Record{Preset: "gsm8k"},
		}}}},
	}
}

// podBelow returns a pod whose folders lie below one.
func podBelow(root string) pod {
	return pod{
		task: filepath.Join(root, "task.json"), message: filepath.Join(root, "message"), volume: filepath.Join(root, "data"),
		claims: filepath.Join(root, "claims"), tokens: filepath.Join(root, "tokens"), index: "0",
		bundles: filepath.Join(root, "bundles"), secrets: filepath.Join(root, "secrets"),
	}
}

// place returns a pod whose folders lie in the test's own.
func place(t *testing.T) pod {
	p := podBelow(t.TempDir())
	for _, folder := range []string{p.volume, filepath.Join(p.claims, "corpora")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p pod) assign(t *testing.T, stage pipeline.Stage, results map[string]pipeline.Result) {
	t.Helper()
	p.assignOf(t, small(), stage, results)
}

func (p pod) assignOf(t *testing.T, r recipe.Recipe, stage pipeline.Stage, results map[string]pipeline.Result) {
	t.Helper()
	graph, err := pipeline.Walk(r, results)
	if err != nil {
		t.Fatal(err)
	}
	step, _ := graph.Step(stage)
	encoded, err := json.Marshal(contract.Task{Version: contract.TaskVersion, Stage: stage, Nodes: step.Nodes, Recipe: r, Results: results})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.task, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p pod) report(t *testing.T) contract.Message {
	t.Helper()
	encoded, err := os.ReadFile(p.message)
	if err != nil {
		t.Fatal(err)
	}
	message, err := contract.ParseMessage(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// Every stage from the task that the one before makes possible, as the Jobs of a cluster do it.
func TestAllStagesThroughTasksAndMessages(t *testing.T) { place(t).build(t) }

// build runs every stage and gives the manifest of what they publish.
func (p pod) build(t *testing.T) revision.Manifest {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.claims, "corpora", "sums.jsonl"), []byte(`{"question":"1+1?","answer":"#### 2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	results := map[string]pipeline.Result{}
	for _, stage := range pipeline.Stages() {
		p.assign(t, stage, results)
		if code := command(context.Background(), []string{string(stage)}, p); code != 0 { // as render makes its pods
			t.Fatalf("stage %s ended with code %d: %+v", stage, code, p.report(t).Failure)
		}
		message := p.report(t)
		if message.Stage != stage || message.Result == nil {
			t.Fatalf("stage %s reported %+v", stage, message)
		}
		results[message.Node.Key] = *message.Result
	}
	graph, err := pipeline.Walk(small(), results)
	if err != nil || graph.Published == nil {
		t.Fatalf("the graph did not end: %v", err)
	}
	encoded, err := os.ReadFile(filepath.Join(p.volume, "small", "current", revision.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := revision.ParseManifest(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

// chain makes the pod's task that of a chain.
func (p pod) chain(t *testing.T, results map[string]pipeline.Result) {
	t.Helper()
	p.assign(t, pipeline.StageBalance, results)
	encoded, err := os.ReadFile(p.task)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.task, bytes.Replace(encoded, []byte(`{`), []byte(`{"chain":true,`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// divided builds what comes before a chain, and returns its results.
func (p pod) divided(t *testing.T) map[string]pipeline.Result {
	t.Helper()
	results := map[string]pipeline.Result{}
	for _, stage := range []pipeline.Stage{pipeline.StageDownload, pipeline.StageSplit} {
		p.assign(t, stage, results)
		if code := run(context.Background(), p); code != 0 {
			t.Fatalf("stage %s ended with code %d: %+v", stage, code, p.report(t).Failure)
		}
		results[p.report(t).Node.Key] = *p.report(t).Result
	}
	return results
}

// A task of a chain is built by one pod, which tells the result of each unit; and what was finished when a later one failed.
func TestAChainThroughOneMessage(t *testing.T) {
	p := place(t)
	if err := os.WriteFile(filepath.Join(p.claims, "corpora", "sums.jsonl"), []byte(`{"question":"1+1?","answer":"#### 2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	results := p.divided(t)
	p.chain(t, results)
	// In place of the folder of revisions there is a file: the publication fails, and what was before it is told.
	inTheWay := filepath.Join(p.volume, "small", "revisions")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code := run(context.Background(), p)
	if broken := p.report(t); code == 0 || broken.Failure == nil || broken.Stage != pipeline.StagePublish || len(broken.Results) != 2 || broken.Result != nil {
		t.Fatalf("with no place for revisions it ended with code %d: %+v", code, broken)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	code = run(context.Background(), p)
	whole := p.report(t)
	if code != 0 || whole.Result != nil || len(whole.Results) != 3 {
		t.Fatalf("the chain ended with code %d: %+v", code, whole)
	}
	for _, of := range whole.Results {
		results[of.Node.Key] = of.Result
	}
	if graph, err := pipeline.Walk(small(), results); err != nil || graph.Published == nil {
		t.Fatalf("the graph did not end: %v", err)
	}
}

func TestFailuresReportTheirReasonAndExitCode(t *testing.T) {
	for what, c := range map[string]struct {
		spoil  func(*testing.T, *pod)
		reason contract.Reason
		text   string
	}{
		"no task":            {func(t *testing.T, p *pod) { p.task += "x" }, contract.InvalidTask, "cannot be read"},
		"no index":           {func(t *testing.T, p *pod) { p.index = "" }, contract.InvalidTask, contract.IndexVariable},
		"an index too large": {func(t *testing.T, p *pod) { p.index = "7" }, contract.InvalidTask, "none with index 7"},
		"half a task":        {func(t *testing.T, p *pod) { _ = os.WriteFile(p.task, []byte(`{"ver`), 0o600) }, contract.InvalidTask, "not JSON"},
		"a missing file":     {func(*testing.T, *pod) {}, contract.SourceNotFound, "data set sums"},
		"a bad row": {func(t *testing.T, p *pod) {
			_ = os.WriteFile(filepath.Join(p.claims, "corpora", "sums.jsonl"), []byte("{"), 0o600)
		}, "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			p := place(t)
			p.assign(t, pipeline.StageDownload, nil)
			c.spoil(t, &p)
			code := run(context.Background(), p)
			if c.reason == "" {
				if code != 0 {
					t.Errorf("a download does not look into the file, and ended with %d", code)
				}
				return
			}
			message := p.report(t)
			if code != c.reason.ExitCode() || message.Failure == nil || message.Failure.Reason != c.reason || !strings.Contains(message.Failure.Message, c.text) {
				t.Errorf("code %d, failure %+v; want %s and %q", code, message.Failure, c.reason, c.text)
			}
		})
	}
}

func TestAMessageThatCannotBeWrittenIsAFailure(t *testing.T) {
	p := place(t)
	if err := os.WriteFile(filepath.Join(p.claims, "corpora", "sums.jsonl"), []byte(`{"question":"1+1?","answer":"#### 2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p.assign(t, pipeline.StageDownload, nil)
	p.message = filepath.Join(p.volume, "no", "such", "folder")
	if code := run(context.Background(), p); code != contract.WorkerFailed.ExitCode() {
		t.Errorf("code %d", code)
	}
}

func TestCredentialsComeFromTheFileOfTheirDataSet(t *testing.T) {
	p := place(t)
	folder := filepath.Join(p.tokens, "sums")
	if err := os.MkdirAll(filepath.Join(folder, "token"), 0o755); err != nil { // a folder where a file should be
		t.Fatal(err)
	}
	dataset := small().Domains[0].Datasets[0]
	repository := dataset
	repository.Source = recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "acme/sums"}}
	if _, err := p.sources()(repository); contract.ReasonOf(err) != contract.AuthenticationFailed {
		t.Errorf("a token that cannot be read: %v", err)
	}
	if _, err := p.sources()(dataset); err != nil {
		t.Errorf("a volume reads no token: %v", err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if _, err := p.sources()(repository); err != nil {
		t.Errorf("no token at all: %v", err)
	}
	for _, folder := range []string{p.tokens, p.secrets} { // of one key of a Secret, and of a whole one
		hosts := filepath.Join(folder, "sums", "hosts")
		if err := os.MkdirAll(filepath.Dir(hosts), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(hosts, []byte("no host\x1b"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := p.sources()(dataset); contract.ReasonOf(err) != contract.AuthenticationFailed {
			t.Errorf("hosts that are none: %v", err)
		}
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoCredentialLeavesTheWorker: a download with every kind of credential, right and wrong; what is logged, reported and stored
// holds none.
func TestNoCredentialLeavesTheWorker(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "jane" || password != "s3cr3t-basic" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"question":"1+1?","answer":"#### 2"}`)
	}))
	t.Cleanup(server.Close)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for _, c := range []struct {
		password string
		code     int
	}{{"s3cr3t-basic", 0}, {"s3cr3t-wrong", contract.AuthenticationFailed.ExitCode()}, {"", contract.AuthenticationFailed.ExitCode()}} {
		p := place(t)
		r := small()
		r.Domains[0].Datasets[0].Source = recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: server.URL + "/sums.jsonl"}}}}
		code, written := p.downloads(t, r, map[string]string{
			filepath.Join(p.bundles, "sums", "ca.crt"):   string(certificate),
			filepath.Join(p.secrets, "sums", "username"): "jane\n",
			filepath.Join(p.secrets, "sums", "password"): c.password,
			filepath.Join(p.secrets, "sums", "other"):    "s3cr3t-other", // of no concern to this source
			filepath.Join(p.tokens, "sums", "token"):     "hf_s3cr3t",    // which is for a Hub alone
		})
		if code != c.code {
			t.Errorf("password %q: code %d, want %d: %+v", c.password, code, c.code, p.report(t).Failure)
		}
		if strings.Contains(written, "s3cr3t") || strings.Contains(written, base64.StdEncoding.EncodeToString([]byte("jane:"+c.password))) || !strings.Contains(written, "sums") {
			t.Errorf("a credential was written:\n%s", written)
		}
	}
}

// downloads runs the download of a recipe's only data set with files where the kubelet would mount them, and gives all that was
// logged, reported and stored.
func (p pod) downloads(t *testing.T, r recipe.Recipe, files map[string]string) (code int, written string) {
	t.Helper()
	for name, content := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	p.assignOf(t, r, pipeline.StageDownload, nil)
	code = run(context.Background(), p)
	slog.SetDefault(before)
	message, _ := json.Marshal(p.report(t)) // of what was just read
	written = log.String() + string(message)
	err := filepath.WalkDir(p.volume, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		written += name + string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return code, written
}

// TestNoCredentialOfAStoreLeavesTheWorker: those of stores and of a registry, right and wrong, and a signature in an address.
func TestNoCredentialOfAStoreLeavesTheWorker(t *testing.T) {
	seed := t.TempDir()
	rows := filepath.Join(seed, "rows", "sums.jsonl")
	if err := errors.Join(os.MkdirAll(filepath.Dir(rows), 0o700), os.WriteFile(rows, []byte(`{"question":"1+1?","answer":"#### 2"}`), 0o600)); err != nil {
		t.Fatal(err)
	}
	stores, err := stores.Start("../../hack/stores", "-s3=127.0.0.1:0", "-azure=127.0.0.1:0", "-oci=127.0.0.1:0", "-files=127.0.0.1:0", "-seed="+seed,
		"-secret-key=s3cr3t-s3", "-signature=s3cr3t-azure", "-login=robot:s3cr3t-registry")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stores.Stop)
	azure := httptest.NewTLSServer(passing(t, stores.URL("azure")))
	t.Cleanup(azure.Close)
	registry := strings.TrimPrefix(stores.URL("oci"), "http://")
	docker := func(password string) string {
		return fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, registry, base64.StdEncoding.EncodeToString([]byte("robot:"+password)))
	}
	bucket := &recipe.ObjectStore{URL: "s3://datasets/rows", Endpoint: stores.URL("s3"), Access: recipe.AccessSecret}
	container := &recipe.ObjectStore{URL: "azblob://datasets/rows", Endpoint: azure.URL + "/account", Access: recipe.AccessSecret}
	artifact := &recipe.OCI{Reference: registry + "/datasets/rows:v1", Scheme: "HTTP"}
	signed := func(path string) recipe.Source {
		return recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: stores.URL("files") + path + "?X-Amz-Signature=s3cr3t&sig=s3cr3t"}}}}
	}
	const refused = contract.AuthenticationFailed
	for name, c := range map[string]struct {
		source recipe.Source
		secret map[string]string
		reason contract.Reason
	}{
		"S3":                        {recipe.Source{ObjectStore: bucket}, map[string]string{"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "s3cr3t-s3"}, ""},
		"S3, a wrong key":           {recipe.Source{ObjectStore: bucket}, map[string]string{"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "s3cr3t"}, refused},
		"Azure":                     {recipe.Source{ObjectStore: container}, map[string]string{"AZURE_STORAGE_SAS_TOKEN": "sp=rl&sig=s3cr3t-azure"}, ""},
		"Azure, a wrong signature":  {recipe.Source{ObjectStore: container}, map[string]string{"AZURE_STORAGE_SAS_TOKEN": "sp=rl&sig=s3cr3t"}, refused},
		"OCI":                       {recipe.Source{OCI: artifact}, map[string]string{".dockerconfigjson": docker("s3cr3t-registry")}, ""},
		"OCI, a wrong password":     {recipe.Source{OCI: artifact}, map[string]string{".dockerconfigjson": docker("s3cr3t")}, refused},
		"a signed address":          {signed("/rows/sums.jsonl"), nil, ""},
		"a signed address, nothing": {signed("/rows/gone.jsonl"), nil, contract.SourceNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			p := place(t)
			r := small()
			r.Domains[0].Datasets[0].Source = c.source
			files := map[string]string{filepath.Join(p.bundles, "sums", "ca.crt"): string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: azure.Certificate().Raw}))}
			for key, value := range c.secret {
				files[filepath.Join(p.secrets, "sums", key)] = value
			}
			code, written := p.downloads(t, r, files)
			if want := c.reason.ExitCode(); c.reason != "" && code != want || c.reason == "" && code != 0 {
				t.Errorf("code %d: %+v", code, p.report(t).Failure)
			}
			for _, secret := range []string{"s3cr3t", "AWS4-HMAC", base64.StdEncoding.EncodeToString([]byte("robot:s3cr3t-registry")), base64.StdEncoding.EncodeToString([]byte("robot:s3cr3t"))} {
				if strings.Contains(written, secret) {
					t.Errorf("the credential %s was written:\n%s", secret, written)
				}
			}
		})
	}
}

// passing passes requests on.
func passing(t *testing.T, address string) http.Handler {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(target)
}

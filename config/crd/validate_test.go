package crd_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/datasetmix/datasetmix/config/crd"
)

// clientSideLimit is what kubectl apply can put into its annotation (262,144 bytes), with room for what else is in it.
const clientSideLimit = 200_000

// TestDefinition: the API server accepts the definition, the cost of its rules included, and kubectl apply can carry it.
func TestDefinition(t *testing.T) {
	definition, err := crd.Definition()
	if err != nil {
		t.Fatal(err)
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(definition)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&definition.Spec)
	definition.Status.StoredVersions = []string{"v1alpha1"}
	internal := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(definition, internal, nil); err != nil {
		t.Fatal(err)
	}
	for _, problem := range crdvalidation.ValidateCustomResourceDefinition(t.Context(), internal) {
		t.Error(problem)
	}
	if size := len(crd.DatasetMixes); size > clientSideLimit {
		t.Errorf("the definition has %d bytes, want at most %d", size, clientSideLimit)
	}
}

// TestEveryStringAndListIsBounded: conventions, rule 9; the schema tells the API server the worst case of every rule.
func TestEveryStringAndListIsBounded(t *testing.T) {
	definition, err := crd.Definition()
	if err != nil {
		t.Fatal(err)
	}
	var visit func(path string, schema apiextensionsv1.JSONSchemaProps)
	visit = func(path string, schema apiextensionsv1.JSONSchemaProps) {
		switch {
		case strings.HasPrefix(path, "worker.nodeSelector."), strings.Contains(path, ".limits."), strings.Contains(path, ".requests."):
			return // a label's value, and a quantity that no rule reads
		case schema.Type == "string" && schema.MaxLength == nil && schema.Enum == nil && schema.Format != "date-time":
			t.Errorf("%s: a string without maxLength", path)
		case schema.Type == "array" && schema.MaxItems == nil:
			t.Errorf("%s: a list without maxItems", path)
		}
		if schema.Description == "" && schema.Type != "object" && !strings.HasSuffix(path, "[]") {
			t.Errorf("%s: no description", path)
		}
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			visit(strings.TrimPrefix(path+"."+name, "."), schema.Properties[name])
		}
		if schema.Items != nil {
			visit(path+"[]", *schema.Items.Schema)
		}
		if schema.AdditionalProperties != nil {
			visit(path+".*", *schema.AdditionalProperties.Schema)
		}
	}
	root := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	visit("", root.Properties["spec"])
	visit("status", root.Properties["status"])
}

func TestSamplesAreValid(t *testing.T) {
	files, err := filepath.Glob("../samples/data_*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	validator := newValidator(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, problem := range validator.Validate(t.Context(), read(t, file)) {
				t.Error(problem)
			}
		})
	}
}

// edit is a change of the sample of six data sets: a value at a path, or nil to remove what is there.
type edit struct {
	path  string
	value any
}

// TestRefusals is the specification of the validation: what is refused, and in which words.
func TestRefusals(t *testing.T) {
	dataset := func(name string, more ...string) map[string]any {
		d := map[string]any{
			"name":   name,
			"source": map[string]any{"volume": map[string]any{"claimName": "c"}},
			"record": map[string]any{"preset": "gsm8k"},
		}
		for _, share := range more {
			d["share"] = share
		}
		return d
	}
	many := func(prefix string, n int) []any {
		var list []any
		for i := range n {
			list = append(list, dataset(prefix+string(rune('a'+i/26))+string(rune('a'+i%26))))
		}
		return list
	}
	withSecret := func(addresses ...string) map[string]any {
		var urls []any
		for _, address := range addresses {
			urls = append(urls, map[string]any{"url": address})
		}
		return map[string]any{"http": map[string]any{"urls": urls, "secretRef": map[string]any{"name": "files"}}}
	}
	const first = "spec.domains.0.datasets.0."
	const inStore = "spec.domains[0].datasets[0].source.objectStore: Invalid value: "
	store := func(fields ...any) []edit {
		source := map[string]any{"url": "s3://corpora/math"}
		for i := 0; i < len(fields); i += 2 {
			source[fields[i].(string)] = fields[i+1]
		}
		return []edit{{first + "source", map[string]any{"objectStore": source}}}
	}
	const oneHost = "spec.domains[0].datasets[0].source.http: Invalid value: The urls of an http source with a secretRef must be https and on one host, since credentials are sent over nothing else and are for one host."
	digest := strings.Repeat("0123456789abcdef", 4)
	tests := []struct {
		name  string
		edits []edit
		want  []string
	}{
		{name: "an expectation of nothing", edits: []edit{{first + "source.expect", map[string]any{}}}, want: []string{
			"spec.domains[0].datasets[0].source.expect: Invalid value: 0: spec.domains[0].datasets[0].source.expect in body should have at least 1 properties",
		}},
		{name: "an expectation that no source meets", edits: []edit{{first + "source.expect", map[string]any{"rows": int64(0), "sha256": "ABC"}}}, want: []string{
			"spec.domains[0].datasets[0].source.expect.rows: Invalid value: 0: spec.domains[0].datasets[0].source.expect.rows in body should be greater than or equal to 1",
			"spec.domains[0].datasets[0].source.expect.sha256: Invalid value: spec.domains[0].datasets[0].source.expect.sha256 in body should be at least 64 chars long",
		}},
		{name: "a refresh without end", edits: []edit{{"spec.refresh", map[string]any{"everySeconds": int64(59)}}}, want: []string{
			"spec.refresh.everySeconds: Invalid value: 59: spec.refresh.everySeconds in body should be greater than or equal to 60",
		}},
		{name: "a cache of less than nothing", edits: []edit{{"spec.output.cache", map[string]any{"maxSize": "-1Gi"}}}, want: []string{
			"spec.output.cache: Invalid value: The maxSize of a cache must not be negative.",
		}},
		{name: "a name too long for Jobs", edits: []edit{{"metadata.name", strings.Repeat("a", 41)}}, want: []string{
			"<nil>: Invalid value: The name of a DatasetMix must be at most 40 characters long and contain no dot, so that the names of its Jobs and pods fit.",
		}},
		{name: "a name with a dot", edits: []edit{{"metadata.name", "a.b"}}, want: []string{
			"<nil>: Invalid value: The name of a DatasetMix must be at most 40 characters long and contain no dot, so that the names of its Jobs and pods fit.",
		}},
		{name: "the priority of the cluster's own pods", edits: []edit{{"spec.worker", map[string]any{"priorityClassName": "system-node-critical"}}}, want: []string{
			"spec.worker.priorityClassName: Invalid value: A priorityClassName that begins with system- is for pods of the cluster itself, which a worker must not push aside; name another one.",
		}},
		{name: "no seed", edits: []edit{{"spec.seed", nil}}, want: []string{"spec.seed: Required value"}},
		{name: "a seed that is no integer", edits: []edit{{"spec.seed", 1.5}}, want: []string{
			`<nil>: Invalid value: "": Checked value must be of type integer with format int64 in spec.seed`,
			`spec.seed: Invalid value: "float64": spec.seed in body must be of type int64: "float64"`,
		}},
		{name: "an unknown field", edits: []edit{{"spec.sed", int64(1)}}, want: []string{"spec.sed: Invalid value: unknown field"}},
		{name: "no source", edits: []edit{{first + "source.huggingFace", nil}}, want: []string{
			`spec.domains[0].datasets[0].source: Invalid value: 0: spec.domains[0].datasets[0].source in body should have at least 1 properties`,
		}},
		{name: "two sources", edits: []edit{{first + "source.volume", map[string]any{"claimName": "c"}}}, want: []string{
			"spec.domains[0].datasets[0].source: Invalid value: A source must be exactly one of huggingFace, http, objectStore, oci and volume.",
		}},
		{name: "a bucket of Azure without an account", edits: store("url", "azblob://corpora/math"), want: []string{
			inStore + "An azblob url needs an endpoint, which names the storage account, for example https://myaccount.blob.core.windows.net.",
		}},
		{name: "a region of Google's", edits: store("url", "gs://corpora", "region", "eu-west-1"), want: []string{
			inStore + "The fields region, addressing and roleARN must be set only with an s3 url.",
		}},
		{name: "a Secret that nobody asks with", edits: store("access", "Anonymous", "secretRef", map[string]any{"name": "s3"}), want: []string{
			inStore + "The access Secret must be set with a secretRef, and no other access with one.",
		}},
		{name: "access by a Secret that is not named", edits: store("access", "Secret"), want: []string{
			inStore + "The access Secret must be set with a secretRef, and no other access with one.",
		}},
		{name: "a role for nobody", edits: store("roleARN", "arn:aws:iam::123456789012:role/reader"), want: []string{
			inStore + "A roleARN must be set only with the access WorkloadIdentity.",
		}},
		{name: "a password in an endpoint", edits: store("endpoint", "https://user:pw@minio"), want: []string{
			"spec.domains[0].datasets[0].source.objectStore.endpoint: Invalid value: spec.domains[0].datasets[0].source.objectStore.endpoint in body should match '^https?://[^\\s?#@]+$'",
		}},
		{name: "a query in a bucket's url", edits: store("url", "s3://corpora?endpoint=x"), want: []string{
			"spec.domains[0].datasets[0].source.objectStore.url: Invalid value: spec.domains[0].datasets[0].source.objectStore.url in body should match '^(s3|gs|azblob)://[A-Za-z0-9$][A-Za-z0-9._-]*(/[^\\s?#]*)?$'",
		}},
		{name: "an artifact without tag and digest", edits: []edit{
			{first + "source", map[string]any{"oci": map[string]any{"reference": "registry.example.org:5000/corpora/math"}}},
		}, want: []string{
			"spec.domains[0].datasets[0].source.oci.reference: Invalid value: A reference must end in a tag or a digest.",
		}},
		{name: "files beside config", edits: []edit{{first + "source.huggingFace.files", []any{"a.parquet"}}}, want: []string{
			"spec.domains[0].datasets[0].source.huggingFace: Invalid value: A huggingFace source chooses its files either by files or by config and split, not by both.",
		}},
		{name: "a glob out of the repository", edits: []edit{{"spec.domains.0.datasets.1.source.huggingFace.files", []any{"a/../../b"}}}, want: []string{
			"spec.domains[0].datasets[1].source.huggingFace.files[0]: Invalid value: A file glob must be a relative path without '..' segments.",
		}},
		{name: "a path out of a claim", edits: []edit{{first + "source", map[string]any{"volume": map[string]any{"claimName": "c", "path": "../x"}}}}, want: []string{
			"spec.domains[0].datasets[0].source.volume.path: Invalid value: A path must be a relative path without '..' segments.",
		}},
		{name: "a path out of the output claim", edits: []edit{{"spec.output.path", "../x"}}, want: []string{
			"spec.output.path: Invalid value: spec.output.path in body should match '^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$'",
		}},
		{name: "a repository without a namespace", edits: []edit{{first + "source.huggingFace.repo", "gsm8k"}}, want: []string{
			"spec.domains[0].datasets[0].source.huggingFace.repo: Invalid value: spec.domains[0].datasets[0].source.huggingFace.repo in body should match '^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$'",
		}},
		{name: "an address with credentials", edits: []edit{{first + "source", map[string]any{"http": map[string]any{"urls": []any{map[string]any{"url": "https://me:secret@host/x.jsonl"}}}}}}, want: []string{
			`spec.domains[0].datasets[0].source.http.urls[0].url: Invalid value: spec.domains[0].datasets[0].source.http.urls[0].url in body should match '^https?://[^\s/@#]+(/[^\s#]*)?$'`,
		}},
		{name: "credentials over http", edits: []edit{{first + "source", withSecret("http://files.example.org/x.jsonl")}}, want: []string{oneHost}},
		{name: "credentials over http, the second", edits: []edit{{first + "source", withSecret("https://files.example.org/x.jsonl", "http://files.example.org/y.jsonl")}}, want: []string{oneHost}},
		{name: "credentials for two hosts", edits: []edit{{first + "source", withSecret("https://files.example.org/x.jsonl", "https://files.example.com/x.jsonl")}}, want: []string{oneHost}},
		{name: "credentials for a host and one that begins so", edits: []edit{{first + "source", withSecret("https://files.example.org/x.jsonl", "https://files.example.org.evil.com/x.jsonl")}}, want: []string{oneHost}},
		{name: "credentials for no file", edits: []edit{{first + "source", withSecret("https://files.example.org")}}, want: []string{oneHost}},
		{name: "credentials for one host", edits: []edit{{first + "source", withSecret("https://files.example.org/x.jsonl", "https://files.example.org/y.jsonl?version=2")}}},
		{name: "a bundle of an unknown kind", edits: []edit{{first + "source", map[string]any{"http": map[string]any{
			"urls": []any{map[string]any{"url": "https://host/x.jsonl"}}, "caBundleRef": map[string]any{"kind": "File", "name": "ca", "key": "ca.crt"}}}}}, want: []string{
			`spec.domains[0].datasets[0].source.http.caBundleRef.kind: Unsupported value: "File": supported values: "ConfigMap", "Secret"`,
		}},
		{name: "a proxy with credentials", edits: []edit{{"spec.worker", map[string]any{"proxy": map[string]any{"https": "http://jane:secret@proxy:3128"}}}}, want: []string{
			`spec.worker.proxy.https: Invalid value: spec.worker.proxy.https in body should match '^(https?|socks5h?)://[^\s/?#@]+/?$'`,
		}},
		{name: "a proxy", edits: []edit{{"spec.worker", map[string]any{"proxy": map[string]any{
			"http": "http://proxy:3128", "https": "socks5://proxy:1080/", "noProxy": []any{".svc", "10.0.0.0/8", "[::1]:80", "*.example.org"}}}}}},
		{name: "no proxy at all", edits: []edit{{"spec.worker", map[string]any{"proxy": map[string]any{}}}}, want: []string{
			"spec.worker.proxy: Invalid value: 0: spec.worker.proxy in body should have at least 1 properties",
		}},
		{name: "a data set's name twice in a domain", edits: []edit{{"spec.domains.0.datasets.1.name", "gsm8k"}}, want: []string{
			`spec.domains[0].datasets[1]: Duplicate value: {"name":"gsm8k"}`,
		}},
		{name: "a data set's name twice in the mix", edits: []edit{{"spec.domains.1.datasets.1.name", "gsm8k"}}, want: []string{
			"spec: Invalid value: The names of data sets must be unique over all domains.",
		}},
		{name: "too many data sets", edits: []edit{
			{"spec.domains.0.datasets", many("x", 32)}, {"spec.domains.1.datasets", many("y", 32)},
		}, want: []string{"spec: Invalid value: A mix must have at most 64 data sets over all domains."}},
		{name: "a share of zero", edits: []edit{{"spec.domains.0.share", int64(0)}}, want: []string{
			"spec.domains[0]: Invalid value: The share of a domain must be greater than 0 and at most 1000000.",
		}},
		{name: "a negative share", edits: []edit{{"spec.splits.0.share", "-0.5"}}, want: []string{
			"spec.splits[0]: Invalid value: The share of a split must be greater than 0 and at most 1000000.",
		}},
		{name: "a share that is no number", edits: []edit{{"spec.splits.0.share", "half"}}, want: []string{
			`spec.splits[0].share: Invalid value: spec.splits[0].share in body should match '^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$'`,
		}},
		{name: "a data set's share without balance Shares", edits: []edit{{first + "share", int64(1)}}, want: []string{
			"spec.domains[0]: Invalid value: Every data set of a domain must have a share if the domain's balance is Shares, and none must otherwise.",
		}},
		{name: "balance Shares without every share", edits: []edit{{"spec.domains.0.balance", "Shares"}, {first + "share", int64(1)}}, want: []string{
			"spec.domains[0]: Invalid value: Every data set of a domain must have a share if the domain's balance is Shares, and none must otherwise.",
		}},
		{name: "a data set's share of zero", edits: []edit{{"spec.domains.0.balance", "Shares"}, {first + "share", "0"}, {"spec.domains.0.datasets.1.share", "1"}}, want: []string{
			"spec.domains[0].datasets[0]: Invalid value: The share of a data set must be greater than 0 and at most 1000000.",
		}},
		{name: "rows without the policy Rows", edits: []edit{{"spec.splits.0.size.rows", int64(5)}}, want: []string{
			"spec.splits[0].size: Invalid value: A size must have rows if its policy is Rows, and must not otherwise.",
		}},
		{name: "the policy Rows without rows", edits: []edit{{"spec.splits.0.size.policy", "Rows"}}, want: []string{
			"spec.splits[0].size: Invalid value: A size must have rows if its policy is Rows, and must not otherwise.",
		}},
		{name: "an unknown preset", edits: []edit{{first + "record.preset", "gsm9k"}}, want: []string{
			`spec.domains[0].datasets[0].record.preset: Unsupported value: "gsm9k": supported values: "gsm8k", "math", "squad2", "hotpotqa", "hotpotqa-context", "humaneval", "mbpp", "messages", "sharegpt", "preference", "alpaca", "text", "verl"`,
		}},
		{name: "a member that is kept and that every row has", edits: []edit{{first + "record.keep", []any{"messages", "question"}}, {first + "record.keepAsText", []any{"tools"}}}, want: []string{
			"spec.domains[0].datasets[0].record.keep[1]: Invalid value: A member that is kept must not be named id, dataset, domain, question, reference_answer, answer_type or metadata, which every row has; keep it under another name in metadata, or the whole row by \"*\".",
		}},
		{name: "a member that is kept twice", edits: []edit{{first + "record.keep", []any{"tools", "tools"}}}, want: []string{
			`spec.domains[0].datasets[0].record.keep[1]: Duplicate value: "tools"`,
		}},
		{name: "an unknown scorer", edits: []edit{{first + "record.scorer", "Vibes"}}, want: []string{
			`spec.domains[0].datasets[0].record.scorer: Unsupported value: "Vibes": supported values: "Numeric", "Formula", "Text", "NoAnswerText", "YesNoText", "Code"`,
		}},
		{name: "no record", edits: []edit{{first + "record", map[string]any{"where": "row.keep"}}}, want: []string{
			"spec.domains[0].datasets[0].record: Invalid value: A record must have exactly one of preset and question.",
		}},
		{name: "a preset and a question", edits: []edit{{first + "record.question", "row.q"}, {first + "record.referenceAnswer", "row.a"}, {first + "record.answerType", "text"}}, want: []string{
			"spec.domains[0].datasets[0].record: Invalid value: A record must have exactly one of preset and question.",
		}},
		{name: "a question without an answer", edits: []edit{{first + "record", map[string]any{"question": "row.q", "answerType": "text"}}}, want: []string{
			"spec.domains[0].datasets[0].record: Invalid value: The question, the referenceAnswer and the answerType of a record must be set together.",
		}},
		{name: "metadata beside a preset", edits: []edit{{first + "record.metadata", []any{map[string]any{"name": "id", "value": "row.id"}}}}, want: []string{
			"spec.domains[0].datasets[0].record: Invalid value: The metadata of a record must not stand beside a preset, which has its own.",
		}},
		{name: "metadata named source", edits: []edit{{first + "record", map[string]any{"question": "row.q", "referenceAnswer": "row.a", "answerType": "text",
			"metadata": []any{map[string]any{"name": "source", "value": "row.s"}}}}}, want: []string{
			"spec.domains[0].datasets[0].record.metadata[0]: Invalid value: The name source is taken: it is the name of the data set in the metadata of every record.",
		}},
		{name: "expressions", edits: []edit{
			{first + "record", map[string]any{"question": "row.q", "referenceAnswer": "row.a", "answerType": "numeric", "where": "row.keep", "groupBy": "row.title",
				"metadata": []any{map[string]any{"name": "original_id", "value": "row.id"}, map[string]any{"name": "level", "value": "row.?level"}}}},
			{"spec.domains.0.datasets.1.record.where", "row.level != 'Level 1'"}, {"spec.domains.0.datasets.1.record.groupBy", "row.type"},
		}},
		{name: "a path out of the rows' document", edits: []edit{{first + "read", map[string]any{"path": "data..rows"}}}, want: []string{
			`spec.domains[0].datasets[0].read.path: Invalid value: spec.domains[0].datasets[0].read.path in body should match '^[^.]+(\.[^.]+)*$'`,
		}},
		{name: "a limit of bad rows that are not skipped", edits: []edit{{first + "read", map[string]any{"maxBadRows": int64(5)}}}, want: []string{
			"spec.domains[0].datasets[0].read: Invalid value: The number maxBadRows must be set only with the onBadRow Skip.",
		}},
		{name: "a tokenizer for rows", edits: []edit{{"spec.tokenizer", map[string]any{"encoding": "o200k_base"}}}, want: []string{
			"spec: Invalid value: A tokenizer must be set only with the unit Tokens.",
		}},
		{name: "a tokenizer for bytes", edits: []edit{{"spec.unit", "Bytes"}, {"spec.tokenizer", map[string]any{"encoding": "o200k_base"}}}, want: []string{
			"spec: Invalid value: A tokenizer must be set only with the unit Tokens.",
		}},
		{name: "two tokenizers", edits: []edit{{"spec.unit", "Tokens"}, {"spec.tokenizer", map[string]any{"encoding": "o200k_base", "file": "t.json", "sha256": digest}}}, want: []string{
			"spec.tokenizer: Invalid value: A tokenizer must be exactly one of encoding and file.",
		}},
		{name: "a tokenizer's file without its digest", edits: []edit{{"spec.unit", "Tokens"}, {"spec.tokenizer", map[string]any{"file": "t.json"}}}, want: []string{
			"spec.tokenizer: Invalid value: The file and the sha256 of a tokenizer must be set together.",
		}},
		{name: "a tokenizer's file out of the volume", edits: []edit{{"spec.unit", "Tokens"}, {"spec.tokenizer", map[string]any{"file": "/t.json", "sha256": digest}}}, want: []string{
			"spec.tokenizer.file: Invalid value: A path must be a relative path without '..' segments.",
		}},
		{name: "an unknown encoding", edits: []edit{{"spec.unit", "Tokens"}, {"spec.tokenizer", map[string]any{"encoding": "gpt2"}}}, want: []string{
			`spec.tokenizer.encoding: Unsupported value: "gpt2": supported values: "o200k_base", "cl100k_base"`,
		}},
		{name: "a limit of repeats where draws decide", edits: []edit{{"spec.resample", "WithReplacement"}, {"spec.limits", map[string]any{"maxRepeats": int64(5)}}}, want: []string{
			"spec: Invalid value: The limit maxRepeats must not be set with the resample WithReplacement, where the draws decide how often a row appears.",
		}},
		{name: "no repeats where draws decide", edits: []edit{{"spec.resample", "WithReplacement"}, {"spec.splits.1.size.policy", "NoRepeat"}, {"spec.limits", nil}}, want: []string{
			"spec: Invalid value: No split may have the size NoRepeat with the resample WithReplacement, which repeats rows by chance.",
		}},
		{name: "a probe named as a data set", edits: []edit{{"spec.decontaminate", map[string]any{"against": []any{dataset("probe"), dataset("mbpp")}}},
			{"spec.decontaminate.against.0.record", nil}, {"spec.decontaminate.against.1.record", nil},
			{"spec.decontaminate.against.0.preset", "gsm8k"}, {"spec.decontaminate.against.1.preset", "mbpp"}}, want: []string{
			"spec: Invalid value: No source to decontaminate against may have the name of a data set.",
		}},
		{name: "a probe without a question", edits: []edit{{"spec.decontaminate", map[string]any{"against": []any{dataset("probe")}}}, {"spec.decontaminate.against.0.record", nil}}, want: []string{
			"spec.decontaminate.against[0]: Invalid value: A source to decontaminate against must have exactly one of preset and question.",
		}},
		{name: "a probe's name twice", edits: []edit{{"spec.decontaminate", map[string]any{"against": []any{dataset("probe"), dataset("probe")}}},
			{"spec.decontaminate.against.0.record", nil}, {"spec.decontaminate.against.1.record", nil}}, want: []string{
			`spec.decontaminate.against[1]: Duplicate value: {"name":"probe"}`,
		}},
		{name: "near duplicates of no percentage", edits: []edit{{"spec.nearDuplicates", map[string]any{"words": int64(5)}}}, want: []string{
			"spec.nearDuplicates.percent: Required value",
		}},
		{name: "too many shards", edits: []edit{{"spec.output.shards", int64(1025)}}, want: []string{
			"spec.output.shards: Invalid value: 1025: spec.output.shards in body should be less than or equal to 1024",
		}},
		{name: "too many mixed files", edits: []edit{{"spec.output.shards", int64(1024)}, {"spec.splits.2", map[string]any{"name": "dev", "share": int64(1), "size": map[string]any{"policy": "KeepTotal"}}}}, want: []string{
			"spec: Invalid value: A mix must have at most 2048 mixed and exported files: the number of splits times the shards, once for the mix and once for each export.",
		}},
		{name: "too many reports on data sets", edits: []edit{{"spec.unit", "Bytes"}, {"spec.output.shards", int64(683)}}, want: []string{
			"spec: Invalid value: With the unit Bytes or Tokens, or the resample WithReplacement, the number of splits times the shards times the data sets must be at most 8192, since each mixed file reports on each data set.",
		}},
		{name: "as many files as there may be", edits: []edit{{"spec.output.shards", int64(1024)}, {"spec.output.format", "Parquet"}}},
		{name: "as many reports as there may be", edits: []edit{{"spec.resample", "WithReplacement"}, {"spec.limits", nil}, {"spec.output.shards", int64(682)}}},
		{name: "a revision without the mix", edits: []edit{{"spec.output.keep", []any{"Raw", "Test"}}}, want: []string{
			"spec.output: Invalid value: A revision must hold the mix: keep Mixed, or have at least one export.",
		}},
		{name: "a part twice", edits: []edit{{"spec.output.keep", []any{"Mixed", "Mixed"}}}, want: []string{
			`spec.output.keep[1]: Duplicate value: "Mixed"`,
		}},
		{name: "an unknown part", edits: []edit{{"spec.output.keep", []any{"Mixed", "Exports"}}}, want: []string{
			`spec.output.keep[1]: Unsupported value: "Exports": supported values: "Raw", "Processed", "Mixed", "Test"`,
		}},
		{name: "an export alone", edits: []edit{{"spec.output.keep", []any{"Test"}}, {"spec.output.exports", []any{map[string]any{"name": "rl", "format": "RL"}}}}},
		{name: "the mixed files alone", edits: []edit{{"spec.output.keep", []any{"Mixed"}}}},
		{name: "a claim and a template", edits: []edit{{"spec.output.volume.claimName", "c"}}, want: []string{
			"spec.output.volume: Invalid value: An output volume must be exactly one of claimName and claimTemplate.",
		}},
		{name: "Delete for somebody else's claim", edits: []edit{
			{"spec.output.volume", map[string]any{"claimName": "c"}}, {"spec.output.deletionPolicy", "Delete"},
		}, want: []string{
			"spec.output: Invalid value: The deletionPolicy Delete needs a claimTemplate: a claim that is named by claimName belongs to whoever made it.",
		}},
		{name: "a claim of no size", edits: []edit{{"spec.output.volume.claimTemplate.size", "0"}}, want: []string{
			"spec.output.volume.claimTemplate: Invalid value: The size of a claimTemplate must be greater than 0.",
		}},
		{name: "a toleration of nothing", edits: []edit{{"spec.worker", map[string]any{"tolerations": []any{map[string]any{"value": "v"}}}}}, want: []string{
			"spec.worker.tolerations[0]: Invalid value: A toleration without a key must have the operator Exists.",
		}},
	}
	validator := newValidator(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			object := edited(t, test.edits)
			var got []string
			for _, problem := range validator.Validate(t.Context(), object) {
				got = append(got, problem.Error())
			}
			if diff := cmp.Diff(test.want, shortened(got)); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUpdates: everything can be edited but which volume the output is on.
func TestUpdates(t *testing.T) {
	named := []edit{{"spec.output.volume", map[string]any{"claimName": "c"}}}
	tests := []struct {
		name          string
		before, after []edit
		want          []string
	}{
		{name: "seed, shares, sources and the path", after: []edit{
			{"spec.seed", int64(43)}, {"spec.domains.0.share", "7"}, {"spec.output.path", "elsewhere"}, {"spec.domains.2", nil},
		}},
		{name: "a bigger claim", after: []edit{{"spec.output.volume.claimTemplate.size", "6Gi"}}},
		{name: "a smaller claim", after: []edit{{"spec.output.volume.claimTemplate.size", "4Gi"}}, want: []string{
			"spec.output.volume.claimTemplate: Invalid value: The size of a claimTemplate can only grow.",
		}},
		{name: "another class", after: []edit{{"spec.output.volume.claimTemplate.storageClassName", "fast"}}, want: []string{
			"spec.output.volume.claimTemplate: Invalid value: The storageClassName and the accessModes of a claimTemplate cannot be changed; create another DatasetMix instead.",
		}},
		{name: "another claim", before: named, after: []edit{{"spec.output.volume.claimName", "d"}}, want: []string{
			"spec.output.volume.claimName: Invalid value: The claimName cannot be changed; create another DatasetMix instead.",
		}},
		{name: "from a template to a claim", after: named, want: []string{
			"spec.output.volume: Invalid value: An output volume cannot be changed between claimName and claimTemplate; create another DatasetMix instead.",
		}},
	}
	validator := newValidator(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := edited(t, test.before)
			after := runtime.DeepCopyJSON(before)
			apply(t, after, test.after)
			var got []string
			for _, problem := range validator.ValidateUpdate(t.Context(), after, before) {
				got = append(got, problem.Error())
			}
			if diff := cmp.Diff(test.want, shortened(got)); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
		})
	}
}

// shortened leaves out the offending values, which are whole objects.
func shortened(problems []string) []string {
	var short []string
	for _, problem := range problems {
		for _, from := range []string{"Invalid value: {", `Invalid value: "`} {
			head, rest, found := strings.Cut(problem, from)
			if end := max(strings.Index(rest, "}: "), strings.Index(rest, `": `)); found && end >= 0 && !strings.Contains(rest, "must be of type") {
				problem = head + "Invalid value: " + rest[end+len(`": `):]
			}
		}
		short = append(short, problem)
	}
	return short
}

func newValidator(t *testing.T) *crd.Validator {
	t.Helper()
	validator, err := crd.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	return validator
}

func read(t *testing.T, file string) map[string]any {
	t.Helper()
	encoded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	encoded, err = yaml.YAMLToJSONStrict(encoded)
	if err == nil {
		err = object.UnmarshalJSON(encoded)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return object.Object
}

func edited(t *testing.T, edits []edit) map[string]any {
	t.Helper()
	object := read(t, "../samples/data_v1alpha1_datasetmix_grpo_six.yaml")
	object["metadata"].(map[string]any)["namespace"] = metav1.NamespaceDefault
	apply(t, object, edits)
	return object
}

func apply(t *testing.T, object map[string]any, edits []edit) {
	t.Helper()
	for _, e := range edits {
		set(object, strings.Split(e.path, "."), e.value)
	}
}

// set follows a path of field names and list indices and puts a value there; nil removes.
func set(node any, path []string, value any) any {
	switch node := node.(type) {
	case []any:
		i := int(path[0][0] - '0')
		switch {
		case len(path) > 1:
			node[i] = set(node[i], path[1:], value)
		case value == nil:
			return slices.Delete(node, i, i+1)
		case i == len(node):
			return append(node, value)
		default:
			node[i] = value
		}
		return node
	case map[string]any:
		switch {
		case len(path) > 1:
			node[path[0]] = set(node[path[0]], path[1:], value)
		case value == nil:
			delete(node, path[0])
		default:
			node[path[0]] = value
		}
		return node
	}
	return value
}

package refusals

// sources are refusals of sources and of credentials for them.
var sources = []Case{
	{Name: "an expectation of nothing", Edits: []Edit{{first + "source.expect", map[string]any{}}}, Want: []string{
		"spec.domains[0].datasets[0].source.expect: Invalid value: 0: spec.domains[0].datasets[0].source.expect in body should have at least 1 properties",
	}},
	{Name: "an expectation that no source meets", Edits: []Edit{{first + "source.expect", map[string]any{"rows": int64(0), "sha256": "ABC"}}}, Want: []string{
		"spec.domains[0].datasets[0].source.expect.rows: Invalid value: 0: spec.domains[0].datasets[0].source.expect.rows in body should be greater than or equal to 1",
		"spec.domains[0].datasets[0].source.expect.sha256: Invalid value: spec.domains[0].datasets[0].source.expect.sha256 in body should be at least 64 chars long",
	}},
	{Name: "no source", Edits: []Edit{{first + "source.huggingFace", nil}}, Want: []string{
		`spec.domains[0].datasets[0].source: Invalid value: 0: spec.domains[0].datasets[0].source in body should have at least 1 properties`,
	}, Also: []string{
		"spec.domains[0].datasets[0].source: Invalid value: A source must be exactly one of huggingFace, http, objectStore, oci and volume.",
	}},
	{Name: "two sources", Edits: []Edit{{first + "source.volume", map[string]any{"claimName": "c"}}}, Want: []string{
		"spec.domains[0].datasets[0].source: Invalid value: A source must be exactly one of huggingFace, http, objectStore, oci and volume.",
	}},
	{Name: "a bucket of Azure without an account", Edits: inStore("url", "azblob://corpora/math"), Want: []string{
		storeField + "An azblob url needs an endpoint, which names the storage account, for example https://myaccount.blob.core.windows.net.",
	}},
	{Name: "a region of Google's", Edits: inStore("url", "gs://corpora", "region", "eu-west-1"), Want: []string{
		storeField + "The fields region, addressing and roleARN must be set only with an s3 url.",
	}},
	{Name: "a Secret that no request uses", Edits: inStore("access", "Anonymous", "secretRef", map[string]any{"name": "s3"}), Want: []string{
		storeField + "The access Secret must be set with a secretRef, and no other access with one.",
	}},
	{Name: "access by a Secret that is not named", Edits: inStore("access", "Secret"), Want: []string{
		storeField + "The access Secret must be set with a secretRef, and no other access with one.",
	}},
	{Name: "a role without an identity", Edits: inStore("roleARN", "arn:aws:iam::123456789012:role/reader"), Want: []string{
		storeField + "A roleARN must be set only with the access WorkloadIdentity.",
	}},
	{Name: "a password in an endpoint", Edits: inStore("endpoint", "https://user:pw@minio"), Want: []string{
		"spec.domains[0].datasets[0].source.objectStore.endpoint: Invalid value: spec.domains[0].datasets[0].source.objectStore.endpoint in body should match '^https?://[^\\s?#@]+$'",
	}},
	{Name: "a query in a bucket's url", Edits: inStore("url", "s3://corpora?endpoint=x"), Want: []string{
		"spec.domains[0].datasets[0].source.objectStore.url: Invalid value: spec.domains[0].datasets[0].source.objectStore.url in body should match '^(s3|gs|azblob)://[A-Za-z0-9$][A-Za-z0-9._-]*(/[^\\s?#]*)?$'",
	}},
	{Name: "an artifact without tag and digest", Edits: []Edit{
		{first + "source", map[string]any{"oci": map[string]any{"reference": "registry.example.org:5000/corpora/math"}}},
	}, Want: []string{
		"spec.domains[0].datasets[0].source.oci.reference: Invalid value: A reference must end in a tag or a digest.",
	}},
	{Name: "files and config", Edits: []Edit{{first + "source.huggingFace.files", []any{"a.parquet"}}}, Want: []string{
		"spec.domains[0].datasets[0].source.huggingFace: Invalid value: A huggingFace source chooses its files either by files or by config and split, not by both.",
	}},
	{Name: "a glob out of the repository", Edits: []Edit{{"spec.domains.0.datasets.1.source.huggingFace.files", []any{"a/../../b"}}}, Want: []string{
		"spec.domains[0].datasets[1].source.huggingFace.files[0]: Invalid value: A file glob must be a relative path without '..' segments.",
	}},
	{Name: "a path out of a claim", Edits: []Edit{{first + "source", map[string]any{"volume": map[string]any{"claimName": "c", "path": "../x"}}}}, Want: []string{
		"spec.domains[0].datasets[0].source.volume.path: Invalid value: A path must be a relative path without '..' segments.",
	}},
	{Name: "a repository without a namespace", Edits: []Edit{{first + "source.huggingFace.repo", "gsm8k"}}, Want: []string{
		"spec.domains[0].datasets[0].source.huggingFace.repo: Invalid value: spec.domains[0].datasets[0].source.huggingFace.repo in body should match '^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$'",
	}},
	{Name: "an address with credentials", Edits: []Edit{{first + "source", map[string]any{"http": map[string]any{"urls": []any{map[string]any{"url": "https://me:secret@host/x.jsonl"}}}}}}, Want: []string{
		`spec.domains[0].datasets[0].source.http.urls[0].url: Invalid value: spec.domains[0].datasets[0].source.http.urls[0].url in body should match '^https?://[^\s/@#]+(/[^\s#]*)?$'`,
	}},
	{Name: "credentials over http", Edits: []Edit{{first + "source", withSecret("http://files.example.org/x.jsonl")}}, Want: []string{oneHost}},
	{Name: "credentials over http, the second", Edits: []Edit{{first + "source", withSecret("https://files.example.org/x.jsonl", "http://files.example.org/y.jsonl")}}, Want: []string{oneHost}},
	{Name: "credentials for two hosts", Edits: []Edit{{first + "source", withSecret("https://files.example.org/x.jsonl", "https://files.example.com/x.jsonl")}}, Want: []string{oneHost}},
	{Name: "credentials for a host and one that begins so", Edits: []Edit{{first + "source", withSecret("https://files.example.org/x.jsonl", "https://files.example.org.evil.com/x.jsonl")}}, Want: []string{oneHost}},
	{Name: "credentials for no file", Edits: []Edit{{first + "source", withSecret("https://files.example.org")}}, Want: []string{oneHost}},
	{Name: "credentials for one host", Edits: []Edit{{first + "source", withSecret("https://files.example.org/x.jsonl", "https://files.example.org/y.jsonl?version=2")}}},
	{Name: "a bundle of an unknown kind", Edits: []Edit{{first + "source", map[string]any{"http": map[string]any{
		"urls": []any{map[string]any{"url": "https://host/x.jsonl"}}, "caBundleRef": map[string]any{"kind": "File", "name": "ca", "key": "ca.crt"}}}}}, Want: []string{
		`spec.domains[0].datasets[0].source.http.caBundleRef.kind: Unsupported value: "File": supported values: "ConfigMap", "Secret"`,
	}},
}

// storeField is where an object store's rules are.
const storeField = "spec.domains[0].datasets[0].source.objectStore: Invalid value: "

// inStore replaces the source by an object store with these fields, names and values in turns.
func inStore(fields ...any) []Edit {
	source := map[string]any{"url": "s3://corpora/math"}
	for i := 0; i < len(fields); i += 2 {
		source[fields[i].(string)] = fields[i+1]
	}
	return []Edit{{first + "source", map[string]any{"objectStore": source}}}
}

const oneHost = "spec.domains[0].datasets[0].source.http: Invalid value: The urls of an http source with a secretRef must be https and on one host, since credentials are sent over nothing else and are for one host."

// withSecret returns an http source of these addresses with credentials.
func withSecret(addresses ...string) map[string]any {
	var urls []any
	for _, address := range addresses {
		urls = append(urls, map[string]any{"url": address})
	}
	return map[string]any{"http": map[string]any{"urls": urls, "secretRef": map[string]any{"name": "files"}}}
}

package revision

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// commit is a commit's name.
const commit = "740312add88f781978c0658806c59bc2815b9866"

func hexOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// locked returns a manifest of two data sets and a probe, as far as a lock goes.
func locked() Manifest {
	dataset := func(name string, source recipe.Source) recipe.Dataset {
		return recipe.Dataset{Name: name, Source: source}
	}
	files := func(names ...string) []pipeline.OriginalFile {
		var out []pipeline.OriginalFile
		for _, name := range names {
			out = append(out, pipeline.OriginalFile{Path: name, Size: int64(len(name)), SHA256: hexOf(name)})
		}
		return out
	}
	m := Manifest{Recipe: recipe.Recipe{
		Domains: []recipe.Domain{{Datasets: []recipe.Dataset{
			dataset("b", recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "x/y", Revision: "main"}}),
			dataset("a", recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: "https://example.org/1?a&b"}, {URL: "https://example.org/2", SHA256: "pinned"}}}}),
		}}},
		Decontaminate: &recipe.Decontaminate{Against: []recipe.Probe{{Name: "p", Source: recipe.Source{Volume: &recipe.Volume{ClaimName: "c"}}}}},
	}}
	m.Sources = []Origin{
		{Dataset: "a", Files: files("1", "2")},
		{Dataset: "b", Revision: commit, License: "mit", Files: files("f.parquet")},
		{Dataset: "p", Files: files("probe")},
	}
	for _, origin := range m.Sources {
		var bytes int64
		for _, file := range origin.Files {
			bytes += file.Size
		}
		m.Stages = append(m.Stages, Finished{Stage: pipeline.StageDownload, Node: pipeline.Node{Name: origin.Dataset}, Result: pipeline.Result{Download: &pipeline.DownloadResult{
			Revision: origin.Revision, License: origin.License, Files: len(origin.Files), Bytes: bytes, Digest: OriginalsDigest(origin.Files),
		}}})
	}
	for rows, name := range []string{"a", "b"} {
		m.Stages = append(m.Stages, Finished{Stage: pipeline.StageSplit, Node: pipeline.Node{Name: name}, Result: pipeline.Result{Split: &pipeline.SplitResult{Read: int64(rows) + 7}}})
	}
	return m
}

// TestLockToTheByte: the file that docs/format.md shows.
func TestLockToTheByte(t *testing.T) {
	m := locked()
	m.Recipe.Domains[0].Datasets = m.Recipe.Domains[0].Datasets[:1]
	m.Sources = m.Sources[1:]
	encoded, err := LockOf(m).Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "version": "datasetmix.lock/v1",
  "sources": [
    {
      "name": "b",
      "request": {
        "huggingFace": {
          "repo": "x/y",
          "revision": "main"
        }
      },
      "revision": "COMMIT",
      "license": "mit",
      "files": [
        {
          "path": "f.parquet",
          "size": 9,
          "sha256": "SHA-OF-F"
        }
      ],
      "bytes": 9,
      "digest": "DIGEST-OF-B",
      "rows": 8
    },
    {
      "name": "p",
      "request": {
        "volume": {
          "claimName": "c"
        }
      },
      "files": [
        {
          "path": "probe",
          "size": 5,
          "sha256": "SHA-OF-P"
        }
      ],
      "bytes": 5,
      "digest": "DIGEST-OF-P"
    }
  ]
}
`
	want = strings.NewReplacer("COMMIT", commit, "SHA-OF-F", hexOf("f.parquet"), "SHA-OF-P", hexOf("probe"), "DIGEST-OF-B", OriginalsDigest(m.Sources[0].Files), "DIGEST-OF-P", OriginalsDigest(m.Sources[1].Files)).Replace(want)
	if diff := cmp.Diff(want, string(encoded)); diff != "" {
		t.Errorf("lock (-want +got):\n%s", diff)
	}
}

func TestParseLock(t *testing.T) {
	lock := LockOf(locked())
	encoded, err := lock.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseLock(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lock, got); diff != "" {
		t.Errorf("lock (-written +read):\n%s", diff)
	}
	for what, c := range map[string]struct{ old, new, want string }{
		"another file":           {old: `"size": 5`, new: `"size": 6`, want: "the files that it lists for p have the digest"},
		"another digest":         {old: `"digest": "`, new: `"digest": "0`, want: "it was changed by hand"},
		"a later version":        {old: "lock/v1", new: "lock/v2", want: `it has version "datasetmix.lock/v2", this program reads "datasetmix.lock/v1"`},
		"an unknown field":       {old: `"name": "a"`, new: `"name": "a", "more": 1`, want: `unknown field "more"`},
		"no JSON":                {old: "{", new: "", want: "it is not a lock"},
		"more after it":          {old: "\n}\n", new: "\n}\n{}", want: "something follows"},
		"other bytes":            {old: `"bytes": 5`, new: `"bytes": 6`, want: "the files that it lists for p have 5 bytes, and it says 6"},
		"negative rows":          {old: `"rows": 7`, new: `"rows": -7`, want: "it was changed by hand"},
		"a name of a path":       {old: `"name": "a"`, new: `"name": "../a"`, want: `a source is called "../a"`},
		"a name twice":           {old: `"name": "b"`, new: `"name": "a"`, want: "it has the source a twice"},
		"a digest of a path":     {old: hexOf("probe"), new: "../../../victim/thesis.tex", want: `file 1, "probe", has the SHA-256 "../../../victim/thesis.tex"`},
		"a digest in capitals":   {old: hexOf("probe"), new: strings.ToUpper(hexOf("probe")), want: "which is not 64 lower-case hexadecimal digits"},
		"a digest that is empty": {old: hexOf("probe"), new: "", want: `has the SHA-256 ""`},
		"a negative size":        {old: `"size": 5`, new: `"size": -5`, want: `file 1, "probe", has -5 bytes`},
		"a file without a path":  {old: `"path": "probe"`, new: `"path": ""`, want: "file 1 has a path of 0 bytes"},
		"a very long path":       {old: `"path": "probe"`, new: `"path": "` + strings.Repeat("x", maxPath+1) + `"`, want: "file 1 has a path of 4097 bytes"},
		"a revision of a path":   {old: commit, new: "../../x", want: `the revision "../../x" is neither`},
	} {
		if _, err := ParseLock([]byte(strings.Replace(string(encoded), c.old, c.new, 1))); contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	if _, ok := lock.Source("nobody"); ok {
		t.Error("found a source that is not there")
	}
}

// TestPinnedToNothing: what is no commit and no digest pins nothing; it would be a part of an address.
func TestPinnedToNothing(t *testing.T) {
	hub := recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "x/y", Revision: "main"}}
	artifact := recipe.Source{OCI: &recipe.OCI{Reference: "r/x:v1"}}
	for _, revision := range []string{"../..", "0123", "sha256:../..", "sha256:" + commit, commit + "x"} {
		of := LockedSource{Revision: revision}
		if diff := cmp.Diff([]recipe.Source{hub, artifact}, []recipe.Source{of.Pinned(hub), of.Pinned(artifact)}); diff != "" {
			t.Errorf("pinned to %q (-want +got):\n%s", revision, diff)
		}
	}
}

// TestPinned: a commit and digests take the place of what may move; what is asked for stays as it is.
func TestPinned(t *testing.T) {
	m := locked()
	lock := LockOf(m)
	pinned := map[string]recipe.Source{}
	for _, source := range lock.Sources {
		pinned[source.Name] = source.Pinned(source.Request)
	}
	want := map[string]recipe.Source{
		"a": {HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: "https://example.org/1?a&b", SHA256: hexOf("1")}, {URL: "https://example.org/2", SHA256: hexOf("2")}}}},
		"b": {HuggingFace: &recipe.HuggingFace{Repo: "x/y", Revision: commit}},
		"p": {Volume: &recipe.Volume{ClaimName: "c"}},
	}
	if diff := cmp.Diff(want, pinned); diff != "" {
		t.Errorf("pinned (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(LockOf(locked()), lock); diff != "" {
		t.Errorf("pinning changed the lock:\n%s", diff)
	}
	if a, _ := lock.Source("a"); a.Pinned(recipe.Source{HTTP: &recipe.HTTP{URLs: []recipe.HTTPFile{{URL: "u"}}}}).HTTP.URLs[0].SHA256 != "" {
		t.Error("pinned an address that the lock has not")
	}
	digest := "sha256:" + hexOf("artifact")
	artifact := LockedSource{Revision: digest}
	for reference, want := range map[string]string{"r/x:v1": "r/x:v1@" + digest, "r/x@sha256:4567": "r/x@sha256:4567"} {
		if got := artifact.Pinned(recipe.Source{OCI: &recipe.OCI{Reference: reference}}).OCI.Reference; got != want {
			t.Errorf("%s is pinned to %s, want %s", reference, got, want)
		}
	}
}

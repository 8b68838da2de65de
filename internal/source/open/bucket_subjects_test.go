package open_test

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
	"github.com/datasetmix/datasetmix/internal/testing/stores"
)

// s3Kind is how an object is kept in S3.
type s3Kind struct {
	checksum types.ChecksumAlgorithm
	parts    bool
	versions bool
}

func s3Subject(w *wire, how s3Kind) subject {
	bucket := servers.NewBucket(w.t, how.versions)
	write := func(content []byte) {
		if how.parts {
			bucket.PutInParts("data/train.jsonl", content) // one: a part that others follow must be larger than the file
			return
		}
		bucket.Put("data/train.jsonl", content, how.checksum)
	}
	write(sources.Text())
	bucket.Put("data/_SUCCESS", nil, "")
	bucket.Put("database.jsonl", []byte("of another folder"), "")
	env := w.environment()
	env.ObjectStore.Secret = sources.Secret(w.t, stores.S3Secret)
	spec := recipe.ObjectStore{
		URL: "s3://" + bucket.Name + "/data", Access: recipe.AccessSecret,
		Endpoint: w.serve("s3", objectKind, servers.Proxy(w.t, "s3")),
	}
	return subject{
		source: newSource(w.t, recipe.Source{ObjectStore: &spec}, env), clock: w.clock, wire: w, write: write,
		pinned:    how.checksum != types.ChecksumAlgorithmCrc32, // of which the source makes nothing
		continues: true, guarded: true, keeps: how.versions, secret: stores.SecretKey,
	}
}

// objectKind returns onFile for a request for an object's bytes, and nothing for one for a listing.
func objectKind(r *http.Request) hub.Kind {
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "train.jsonl") && !strings.Contains(r.URL.RawQuery, "alt=json") {
		return onFile
	}
	return ""
}

func gsSubject(w *wire) subject {
	server, bucket := servers.URL(w.t, "gcs"), stores.NewName()
	post := func(path string, content []byte) {
		answer, err := http.Post(server+path, "application/json", bytes.NewReader(content))
		if err != nil {
			w.t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			w.t.Fatalf("%s: %s", path, answer.Status)
		}
	}
	write := func(content []byte) {
		post("/upload/storage/v1/b/"+bucket+"/o?uploadType=media&name=data/train.jsonl", content)
	}
	post("/storage/v1/b?project=test", []byte(`{"name":"`+bucket+`"}`))
	write(sources.Text())
	env := w.environment()
	spec := recipe.ObjectStore{URL: "gs://" + bucket + "/data", Endpoint: w.serve("gcs", objectKind, servers.Proxy(w.t, "gcs"))}
	return subject{
		source: newSource(w.t, recipe.Source{ObjectStore: &spec}, env), clock: w.clock, wire: w, write: write,
		pinned: true, continues: true, guarded: true,
	}
}

func azureSubject(w *wire, sums bool) subject {
	container := servers.NewContainer(w.t, sums)
	write := func(content []byte) { container.Put("data/train.jsonl", content) }
	write(sources.Text())
	container.Put("data/.hidden", []byte("hidden"))
	w.opts.tls = true // which the signature is sent over, and nothing else
	env := w.environment()
	env.ObjectStore.Secret = sources.Secret(w.t, map[string]string{"AZURE_STORAGE_SAS_TOKEN": "?sv=2025-01-05&sp=rl&sig=" + stores.Signature})
	spec := recipe.ObjectStore{
		URL: "azblob://" + container.Name + "/data", Access: recipe.AccessSecret,
		Endpoint: w.serve("azure", azureKind, servers.Proxy(w.t, "azure")) + "/account",
	}
	return subject{
		source: newSource(w.t, recipe.Source{ObjectStore: &spec}, env), clock: w.clock, wire: w, write: write,
		pinned: sums, continues: true, guarded: true, secret: stores.Signature,
	}
}

// azureKind returns what objectKind does. Azure has a header of its own for a part, and faults know the standard one.
func azureKind(r *http.Request) hub.Kind {
	if part := r.Header.Get("X-Ms-Range"); part != "" {
		r.Header.Set("Range", part)
	}
	return objectKind(r)
}

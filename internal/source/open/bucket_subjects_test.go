package open_test

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// s3Kind is how an object is kept in S3.
type s3Kind struct {
	checksum types.ChecksumAlgorithm
	parts    bool
	versions bool
}

func s3Subject(w *wire, how s3Kind) subject {
	bucket := newS3Bucket(w.t, how.versions)
	write := func(content []byte) {
		if how.parts {
			bucket.putInParts("data/train.jsonl", content) // one: a part that others follow must be larger than the file
			return
		}
		bucket.put("data/train.jsonl", content, how.checksum)
	}
	write(sources.Text())
	bucket.put("data/_SUCCESS", nil, "")
	bucket.put("database.jsonl", []byte("of another folder"), "")
	env := w.environment()
	env.ObjectStore.Secret = secretFolder(w.t, s3Secret)
	spec := recipe.ObjectStore{
		URL: "s3://" + bucket.name + "/data", Access: recipe.AccessSecret,
		Endpoint: w.serve("s3", objectKind, proxyTo(w.t, store(w.t, "s3"))),
	}
	return subject{
		source: newSource(w.t, recipe.Source{ObjectStore: &spec}, env), clock: w.clock, wire: w, write: write,
		pinned:    how.checksum != types.ChecksumAlgorithmCrc32, // of which the source makes nothing
		continues: true, guarded: true, keeps: how.versions, secret: secretKey,
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
	server, bucket := store(w.t, "gcs"), newBucketName()
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
	spec := recipe.ObjectStore{URL: "gs://" + bucket + "/data", Endpoint: w.serve("gcs", objectKind, proxyTo(w.t, server))}
	return subject{
		source: newSource(w.t, recipe.Source{ObjectStore: &spec}, env), clock: w.clock, wire: w, write: write,
		pinned: true, continues: true, guarded: true,
	}
}

func azureSubject(w *wire, sums bool) subject {
	container := azureContainer{w.t, newBucketName(), sums}
	write := func(content []byte) { container.put("data/train.jsonl", content) }
	write(sources.Text())
	container.put("data/.hidden", []byte("hidden"))
	w.opts.tls = true // which the signature is sent over, and nothing else
	env := w.environment()
	env.ObjectStore.Secret = secretFolder(w.t, map[string]string{"AZURE_STORAGE_SAS_TOKEN": "?sv=2025-01-05&sp=rl&sig=" + azureSignature})
	spec := recipe.ObjectStore{
		URL: "azblob://" + container.name + "/data", Access: recipe.AccessSecret,
		Endpoint: w.serve("azure", azureKind, proxyTo(w.t, store(w.t, "azure"))) + "/account",
	}
	return subject{
		source: newSource(w.t, recipe.Source{ObjectStore: &spec}, env), clock: w.clock, wire: w, write: write,
		pinned: sums, continues: true, guarded: true, secret: azureSignature,
	}
}

// azureKind returns what objectKind does. Azure has a header of its own for a part, and faults know the standard one.
func azureKind(r *http.Request) hub.Kind {
	if part := r.Header.Get("X-Ms-Range"); part != "" {
		r.Header.Set("Range", part)
	}
	return objectKind(r)
}

package open_test

import (
	"net/http"
	"strings"

	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/testing/artifacts"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

func ociSubject(w *wire, has artifacts.Guard) subject {
	handler, inside := artifacts.NewRegistry(w.t)
	write := func(content []byte) {
		artifacts.Push(w.t, inside+"/acme/text:v1", artifacts.Of(w.t, artifacts.Layer{Title: "data/train.jsonl", Content: content}, artifacts.Layer{Content: []byte("of no name")}))
	}
	write(sources.Text())
	kindOf := func(r *http.Request) hub.Kind {
		if strings.Contains(r.URL.Path, "/blobs/") {
			return onFile
		}
		return ""
	}
	env := w.environment()
	var address string
	address = w.serve("registry", kindOf, has.Before(&address, handler))
	scheme, host, _ := strings.Cut(address, "://")
	spec := recipe.OCI{Reference: host + "/acme/text:v1"}
	if scheme == "http" {
		spec.Scheme = "HTTP"
	}
	if has.Token || has.Basic {
		env.OCI.Secret = sources.Secret(w.t, map[string]string{".dockerconfigjson": artifacts.DockerConfig(host)})
	}
	return subject{
		source: newSource(w.t, recipe.Source{OCI: &spec}, env), clock: w.clock, wire: w, write: write,
		pinned: true, continues: true, keeps: true, follows: true, secret: artifacts.Password,
	}
}

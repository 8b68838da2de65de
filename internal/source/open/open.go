// Package open returns the source that a specification describes, whatever its kind.
package open

import (
	"context"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/hub"
	"github.com/datasetmix/datasetmix/internal/source/objectstore"
	"github.com/datasetmix/datasetmix/internal/source/oci"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/source/volume"
	"github.com/datasetmix/datasetmix/internal/source/web"
)

// Options are what a process has for the source of one data set. The zero value reads public data sets.
type Options struct {
	// Reading is how files of every kind are read, and Network how servers are reached. A volume has no network.
	Reading source.Options
	Network transport.Options

	// What one kind alone is given. No kind sees another one's.
	Hub         hub.Options
	Web         web.Options
	ObjectStore objectstore.Options
	OCI         oci.Options
	Volume      volume.Options
}

// New returns the source that a specification describes. It reads nothing yet; its errors are contract.InvalidTask.
func New(spec recipe.Source, o Options) (source.Source, error) {
	kind, err := newKind(spec, o)
	if err != nil {
		return nil, err
	}
	return source.Wrap(kind, o.Reading), nil
}

func newKind(spec recipe.Source, o Options) (source.Source, error) {
	set := 0
	for _, isSet := range []bool{
		spec.HuggingFace != nil, spec.HTTP != nil, spec.ObjectStore != nil, spec.OCI != nil, spec.Volume != nil,
	} {
		if isSet {
			set++
		}
	}
	if set != 1 {
		return nil, contract.Failf(contract.InvalidTask,
			"A source must be exactly one of huggingFace, http, objectStore, oci and volume, and this one has %d of them.", set)
	}
	if spec.Volume != nil {
		return volume.New(*spec.Volume, o.Volume)
	}
	client, err := transport.NewClient(o.Network, o.Reading.Retry)
	if err != nil {
		return nil, err
	}
	switch {
	case spec.HuggingFace != nil:
		return hub.New(*spec.HuggingFace, o.Hub, client)
	case spec.HTTP != nil:
		return web.New(*spec.HTTP, o.Web, client)
	case spec.ObjectStore != nil:
		return objectstore.New(*spec.ObjectStore, o.ObjectStore, client)
	default:
		return oci.New(*spec.OCI, o.OCI, client)
	}
}

// ReadCard asks a Hub for the card of a repository. No file of the repository is read.
func ReadCard(ctx context.Context, spec recipe.HuggingFace, o Options) (hub.Card, error) {
	client, err := transport.NewClient(o.Network, o.Reading.Retry)
	if err != nil {
		return hub.Card{}, err
	}
	return hub.ReadCard(ctx, spec, o.Hub, client)
}

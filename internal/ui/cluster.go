package ui

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// clusterMix has the state of a mix of the cluster.
type clusterMix struct {
	Name, State, Message string
	// Progress is how much of the build is done, as text; empty while nothing is known, and once it is published.
	Progress string
	Revision string
	Stages   []stageView
}

// stageView has the state of a stage, and its units.
type stageView struct {
	Name, State string
	Done, Total int32
}

func clusterMixOf(m *datav1alpha1.DatasetMix) clusterMix {
	out := clusterMix{Name: m.Name, State: view.State(m), Message: contract.Clean(view.Message(m), 400), Progress: view.Progress(m, time.Now())}
	if m.Status.Published != nil {
		out.Revision = m.Status.Published.Revision
	}
	for _, stage := range m.Status.Stages {
		out.Stages = append(out.Stages, stageView{stage.Name, string(stage.State), ptr.Deref(stage.Done, 0), ptr.Deref(stage.Total, 0)})
	}
	return out
}

// mixPage is a mix of the cluster with its counts and its history.
type mixPage struct {
	clusterMix
	Mix *datav1alpha1.DatasetMix
}

// mix answers with a mix of the cluster.
func (s *Server) mix(r *http.Request) (string, any, error) {
	name := r.FormValue("name")
	missing := &notFoundError{fmt.Sprintf("There is no DatasetMix %q here.", name)}
	if s.options.Mixes == nil {
		return "", nil, missing
	}
	mixes, err := s.options.Mixes(r.Context())
	if err != nil {
		return "", nil, err
	}
	i := slices.IndexFunc(mixes, func(m *datav1alpha1.DatasetMix) bool { return m.Name == name })
	if i < 0 {
		return "", nil, missing
	}
	return "mix.html.tmpl", mixPage{clusterMixOf(mixes[i]), mixes[i]}, nil
}

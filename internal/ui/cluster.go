package ui

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// clusterMix is a mix of the cluster in a few words.
type clusterMix struct {
	Name, State, Message string
	// Progress is how far the build is; empty while nothing is known, and when it is published.
	Progress string
	Revision string
	Stages   []stageView
}

// stageView is how far a stage is.
type stageView struct {
	Name, State string
	Done, Total int64
}

func clusterMixOf(m *datav1alpha1.DatasetMix) clusterMix {
	out := clusterMix{Name: m.Name, State: view.State(m), Message: contract.Clean(view.Message(m), 400), Progress: view.Progress(m, time.Now())}
	if m.Status.Published != nil {
		out.Revision = m.Status.Published.Revision
	}
	for _, stage := range m.Status.Stages {
		v := stageView{Name: stage.Name, State: string(stage.State)}
		if stage.Done != nil {
			v.Done = int64(*stage.Done)
		}
		if stage.Total != nil {
			v.Total = int64(*stage.Total)
		}
		out.Stages = append(out.Stages, v)
	}
	return out
}

// mixPage is a mix of the cluster with its counts and its history.
type mixPage struct {
	clusterMix
	Mix *datav1alpha1.DatasetMix
}

// mix shows a mix of the cluster.
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

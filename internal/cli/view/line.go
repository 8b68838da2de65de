package view

import (
	"fmt"
	"strings"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// Line returns the state of a mix in one line for a log, which changes when a person would want to know.
func Line(mix *datav1alpha1.DatasetMix) string {
	var stages []string
	for _, stage := range mix.Status.Stages {
		switch stage.State {
		case datav1alpha1.StagePending, datav1alpha1.StageSucceeded:
		default:
			stages = append(stages, fmt.Sprintf("%s %s %s", stage.Name, doneOf(stage), strings.ToLower(string(stage.State))))
		}
	}
	line := State(mix)
	if percent := percentOf(mix); percent > 0 {
		line += fmt.Sprintf("  %d%%", percent)
	}
	if len(stages) > 0 {
		line += "  " + strings.Join(stages, ", ")
	}
	if isReady(mix) && mix.Status.Published != nil {
		return line + "  revision " + mix.Status.Published.Revision
	}
	if message := Message(mix); message != "" {
		line += "  " + message
	}
	return contract.Clean(line, 0)
}

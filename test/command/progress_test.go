package command

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
)

// TestWatchShowsPercentAndRights: a live view without the right to read pods is one of stages, and says which right it lacks; what the manager
// estimates is shown, and the outcome is the exit code's all the same.
func TestWatchShowsPercentAndRights(t *testing.T) {
	space := namespace(t)
	of := mix(t, space, func(mix *datav1alpha1.DatasetMix) {
		building(mix)
		mix.Status.Summary = &datav1alpha1.Summary{Stage: "split", Progress: "2/6", Percent: 43, EstimatedCompletionTime: ptr.To(metav1.NewTime(time.Now().Add(time.Hour)))}
	})
	if got := command(t, "status", of.Name, "-n", space); !strings.Contains(got.out, "43% done, about 59m left") {
		t.Error(got)
	}
	for _, role := range roles(t) {
		if role.Name == "datasetmix-command-wait" {
			role.Name = space + "-wait" // other tests create those of the command
			create(t, role)
		}
	}
	user := userWith(t, space, space+"-wait")
	go func() {
		time.Sleep(3 * time.Second)
		told(t, of, func(mix *datav1alpha1.DatasetMix) {
			ready(mix)
			mix.Status.ObservedGeneration, mix.Status.Summary.Percent, mix.Status.Summary.EstimatedCompletionTime = &mix.Generation, 100, nil
		})
	}()
	got := command(t, append([]string{"wait", of.Name, "--progress", "json", "--timeout", "60s"}, user...)...)
	if got.code != 0 {
		t.Fatal(got)
	}
	var last struct {
		Mix, State, Text string
		Percent          int
	}
	for line := range strings.Lines(got.out) {
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
	}
	if last.Mix != space+"/grpo-six" || last.Percent != 100 || last.Text != "not permitted: list pods" || !strings.Contains(last.State, "3f9c2a1b0d") {
		t.Errorf("it ends with %+v\n%s", last, got.out)
	}
	if !strings.Contains(got.out, `"stage":"split","unit":"","state":"running"`) || !strings.Contains(got.out, `"percent":43`) {
		t.Error(got)
	}
	if got := command(t, append([]string{"wait", of.Name}, user...)...); got.code != 0 || strings.Count(got.out, "\n") != 1 {
		t.Error(got)
	}
}

package command

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// right is one verb on one resource.
type right struct{ verb, group, resource string }

func (r right) String() string { return r.verb + " " + r.resource }

func (r right) rule() rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{r.group}, Resources: []string{r.resource}, Verbs: []string{r.verb}}
}

// role makes a ClusterRole of some rights.
func role(t *testing.T, rights ...right) string {
	t.Helper()
	made := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	for _, right := range rights {
		made.Rules = append(made.Rules, right.rule())
	}
	create(t, made)
	return made.Name
}

// The rights that verbs ask for.
var (
	getMix     = right{"get", "data.datasetmix.io", "datasetmixes"}
	listMixes  = right{"list", "data.datasetmix.io", "datasetmixes"}
	watchMixes = right{"watch", "data.datasetmix.io", "datasetmixes"}
	listPods   = right{"list", "", "pods"}
	createPods = right{"create", "", "pods"}
	getPods    = right{"get", "", "pods"}
	deletePods = right{"delete", "", "pods"}
	readLogs   = right{"get", "", "pods/log"}
	forwarding = right{"create", "", "pods/portforward"}
	listEvents = right{"list", "", "events"}
	getConfig  = right{"get", "", "configmaps"}
	getClaim   = right{"get", "", "persistentvolumeclaims"}
	managers   = right{"list", "apps", "deployments"}
)

// TestEveryVerbLacksRights: with rights missing one at a time, a verb that can do without shows everything else and says what is missing in its place, or
// does the same in another way; one that cannot is refused by the name of the right, before any pod is made. Nothing hangs: command gives up after a minute.
func TestEveryVerbLacksRights(t *testing.T) {
	space := namespace(t)
	k := newKubelet(t, space)
	of, _ := withRevision(t, k)
	create(t, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}}}})
	pod(t, of, "grpo-six-split-0", "split")
	event(t, of, "StageStarted", "Stage split was started.")
	_, manifest := examples(t, k)
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	withRows := []string{"--rows", "gsm8k=7473,math=7500,squad2=87599,hotpotqa=88966,humaneval=164,mbpp=427"}
	errand := []right{createPods, getPods, deletePods}
	tests := []struct {
		name string
		line []string
		// needs are the rights without which nothing can be shown; does says which words show what the others are for, "" where it is done otherwise.
		needs []right
		does  map[right]string
		code  int
	}{
		{name: "status", line: []string{"status", of.Name}, needs: []right{getMix}, does: map[right]string{listPods: "grpo-six-split-0", listEvents: "StageStarted"}},
		{name: "status -w", line: []string{"status", of.Name, "-w", "--timeout", "20s"}, needs: []right{getMix}, does: map[right]string{watchMixes: "", listPods: "", readLogs: ""}},
		{name: "wait", line: []string{"wait", of.Name, "--timeout", "20s"}, needs: []right{getMix}, does: map[right]string{watchMixes: "", listMixes: ""}},
		{name: "events", line: []string{"events", of.Name}, needs: []right{getMix, listEvents}},
		{name: "logs", line: []string{"logs", of.Name}, needs: []right{getMix, listPods}, does: map[right]string{readLogs: ""}},
		{name: "diff", line: append([]string{"diff", "datasetmix/" + of.Name, "datasetmix/" + of.Name}, withRows...), needs: []right{getMix}, does: map[right]string{getConfig: ""}},
		{name: "version", line: []string{"version"}, does: map[right]string{managers: ""}},
		{name: "plan", line: append([]string{"plan", of.Name}, withRows...), needs: []right{getMix}, does: map[right]string{getConfig: ""}},
		{name: "plan --look", line: []string{"plan", "-f", manifest, "--look", "--on-cluster", image}, needs: append([]right{readLogs}, errand...), does: map[right]string{managers: ""}},
		{name: "get head", line: []string{"get", of.Name, "head", image}, needs: append([]right{getMix, readLogs}, errand...)},
		{name: "get export", line: []string{"get", of.Name, "export", image, "--overwrite", "--to", file + "2"}, needs: append([]right{getMix, forwarding}, errand...)},
		{name: "report", line: []string{"report", of.Name, image, "-o", "text"}, needs: append([]right{getMix, readLogs}, errand...)},
		{name: "put", line: []string{"put", "data", file, "--overwrite", image}, needs: append([]right{forwarding}, errand...), does: map[right]string{getClaim: ""}},
	}
	for _, test := range tests {
		all := slices.Clone(test.needs)
		for may := range test.does {
			all = append(all, may)
		}
		for _, missing := range append(all, right{}) {
			t.Run(test.name+" without "+missing.String(), func(t *testing.T) {
				rights := slices.DeleteFunc(slices.Clone(all), func(r right) bool { return r == missing })
				got := command(t, append(test.line, userWith(t, space, role(t, rights...))...)...)
				said := strings.Contains(got.out+got.errors, "not permitted: "+missing.String())
				if slices.Contains(test.needs, missing) {
					if got.code != 43 || !said {
						t.Errorf("it is refused: %v", got)
					}
					return
				}
				if got.code != test.code {
					t.Errorf("it does without: %v", got)
				}
				for may, shows := range test.does {
					if shows != "" && strings.Contains(got.out, shows) == (may == missing) {
						t.Errorf("%q is for %s: %v", shows, may, got)
					}
					if shows != "" && may == missing && !said {
						t.Errorf("what is missing is not said: %v", got)
					}
				}
			})
		}
	}
	t.Run("ui", func(t *testing.T) {
		shows(t, served(t, userWith(t, space)...), http.StatusOK, "not permitted: list datasetmixes")
	})
	noPods(t, space)
}

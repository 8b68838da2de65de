package render

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

const (
	// nameLimit is the number of characters of a Job's name. The pods of an Indexed Job have the host name <job>-<index>, a DNS label of at most 63
	// characters, and indices of most Jobs have at most two digits.
	nameLimit = 63 - len("-63")
	// manyNameLimit is the limit for a Job of more than 100 mixed files, whose indices have up to four digits.
	manyNameLimit = 63 - len("-2047")
	// hashLength is the number of hex digits of a hash in a name.
	hashLength = 10
	// unitLength is the number of hex digits of a unit's key in an annotation: 64 bits, so that no two units of one mix collide.
	unitLength = 16
)

// ClaimName returns the name of the claim that a mix is built on.
func ClaimName(mix *datav1alpha1.DatasetMix) string {
	if mix.Spec.Output.Volume.ClaimTemplate != nil {
		return mix.Name + "-data"
	}
	return mix.Spec.Output.Volume.ClaimName
}

// ResultsName returns the name of the ConfigMap that holds a mix's results.
func ResultsName(mix *datav1alpha1.DatasetMix) string { return mix.Name + "-results" }

// Location is where a mix's results are. A recreated PersistentVolumeClaim has a new UID, so results recorded for the old one do not apply.
type Location struct {
	ClaimName string
	ClaimUID  string
	Path      string
	// Again is the name of the last request to build everything again, in letters and digits; empty for none. Results of earlier builds count as
	// results at another location.
	Again string
}

func (l Location) String() string {
	at := path.Join(l.ClaimName, l.ClaimUID, l.Path)
	if l.Again != "" {
		at += "#" + l.Again
	}
	return at
}

// OutputPath returns the folder on the claim that a mix is built in.
func OutputPath(mix *datav1alpha1.DatasetMix) string {
	return cmp.Or(mix.Spec.Output.Path, mix.Name)
}

// Overlap reports whether one of two folders is, or is in, the other.
func Overlap(a, b string) bool {
	a, b = a+"/", b+"/"
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// Build returns the id that all log lines of one build have in common. It depends only on the recipe and the location, so it is the same after a
// restart of the manager, and in all workers.
func Build(r recipe.Recipe, location Location) string {
	hash := sha256.New()
	// a recipe is plain data, which always encodes
	_ = json.NewEncoder(hash).Encode(r)
	fmt.Fprintln(hash, location)
	return hex.EncodeToString(hash.Sum(nil))[:hashLength]
}

// JobName returns the name of the Job for some work. It is always the same: a manager whose cache does not show the Job yet cannot create a second one.
// The name has a hash of the location, the units, the chain and the place, and the number of the attempt, so other work, and a further attempt, has
// another name.
func JobName(mixName string, location Location, stage pipeline.Stage, units []pipeline.Node, attempt int, chain, place string) string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n", location, stage)
	for _, unit := range units {
		fmt.Fprintf(hash, "%s\n", unit.Key)
	}
	if chain != "" {
		fmt.Fprintf(hash, "chain %s\n", chain)
	}
	if place != "" {
		fmt.Fprintf(hash, "place %s\n", place)
	}
	tail := fmt.Sprintf("-%s-%s", stage, hex.EncodeToString(hash.Sum(nil))[:hashLength])
	if attempt > 1 {
		tail += fmt.Sprintf("-a%d", attempt)
	}
	limit := nameLimit
	if len(units) > 100 {
		limit = manyNameLimit
	}
	return fitted(mixName, limit-len(tail)) + tail
}

// fitted shortens a name to a limit. A shortened name ends with a hash of the whole name, so that different names remain different.
func fitted(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := hex.EncodeToString(sum[:])[:6]
	return strings.TrimRight(name[:limit-len(hash)-1], "-") + "-" + hash
}

// Units returns the value of the annotation that lists the units of a Job.
func Units(units []pipeline.Node) string {
	var short []string
	for _, unit := range units {
		short = append(short, shortKey(unit))
	}
	return strings.Join(short, ",")
}

// Covers reports whether an annotation lists a unit.
func Covers(annotation string, unit pipeline.Node) bool { return Index(annotation, unit) >= 0 }

// Index returns the position of a unit in an annotation, which is the completion index of the pod that builds it; -1 if the unit is not listed.
func Index(annotation string, unit pipeline.Node) int {
	return slices.Index(strings.Split(annotation, ","), shortKey(unit))
}

// ShortChain returns the name of a chain for the annotation of the Job that builds it.
func ShortChain(chain string) string { return chain[:min(unitLength, len(chain))] }

// CountUnits returns the number of units that an annotation lists.
func CountUnits(annotation string) int { return strings.Count(annotation, ",") + 1 }

func shortKey(unit pipeline.Node) string { return unit.Key[:min(unitLength, len(unit.Key))] }

// Labels returns the labels of all objects that are created for a mix. The mix's own labels are not copied: a GitOps tool deletes objects that have its
// labels and are not in its repository.
func Labels(mix *datav1alpha1.DatasetMix) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":       datav1alpha1.LabelValueName,
		"app.kubernetes.io/part-of":    datav1alpha1.LabelValuePartOf,
		"app.kubernetes.io/managed-by": datav1alpha1.LabelValueManagedBy,
		datav1alpha1.LabelName:         mix.Name,
		datav1alpha1.LabelUID:          string(mix.UID),
	}
}

func stageLabels(mix *datav1alpha1.DatasetMix, stage pipeline.Stage) map[string]string {
	labels := Labels(mix)
	labels["app.kubernetes.io/component"] = string(stage)
	labels[datav1alpha1.LabelStage] = string(stage)
	return labels
}

func owner(mix *datav1alpha1.DatasetMix) []metav1.OwnerReference {
	kind := datav1alpha1.GroupVersion.WithKind(datav1alpha1.Kind)
	return []metav1.OwnerReference{*metav1.NewControllerRef(mix, kind)}
}

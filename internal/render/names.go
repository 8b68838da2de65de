package render

import (
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
	// nameLimit bounds a Job's name. The pods of an Indexed Job have the host name <job>-<index>, which is a DNS label of at
	// most 63 characters, and an index mostly has at most two digits.
	nameLimit = 63 - len("-63")
	// manyNameLimit is the limit of a Job of more than 100 units, mixed files: an index has at most four digits.
	manyNameLimit = 63 - len("-2047")
	// hashLength is how many hex digits of a hash are in a name.
	hashLength = 10
	// unitLength is how many hex digits of a unit's key are in an annotation: 64 bits, so that no two units of one mix collide.
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
	// Again names a request to build everything there again, in letters and digits; empty for none. What was built before it counts as being
	// elsewhere.
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
	return defaulted(mix.Spec.Output.Path, mix.Name)
}

// Overlap reports whether one of two folders is, or is in, the other.
func Overlap(a, b string) bool {
	a, b = a+"/", b+"/"
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// Build returns the id that all log lines of one build have in common. It follows from what is built and where, so a manager that
// was restarted, and another worker, have the same.
func Build(r recipe.Recipe, location Location) string {
	hash := sha256.New()
	// a recipe is plain data, which always encodes
	_ = json.NewEncoder(hash).Encode(r)
	fmt.Fprintln(hash, location)
	return hex.EncodeToString(hash.Sum(nil))[:hashLength]
}

// JobName returns the same name every time: a manager whose cache lacks the Job that it created gets the same name again. The hash is
// over the location, the units, the chain that they begin, and the place that it is made for, so that other work has another name, and an
// attempt after a finished one has too.
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

// fitted shortens a name to a limit; a shortened one ends with a hash of the whole, so that different names stay different.
func fitted(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := hex.EncodeToString(sum[:])[:6]
	return strings.TrimRight(name[:limit-len(hash)-1], "-") + "-" + hash
}

// Units returns units for the annotation of the Job that builds them.
func Units(units []pipeline.Node) string {
	var short []string
	for _, unit := range units {
		short = append(short, shortKey(unit))
	}
	return strings.Join(short, ",")
}

// Covers reports whether the units of an annotation include a unit.
func Covers(annotation string, unit pipeline.Node) bool { return Index(annotation, unit) >= 0 }

// Index returns the place of a unit among those of an annotation, which is the completion index of the pod that builds it; -1 for one
// that is not there.
func Index(annotation string, unit pipeline.Node) int {
	return slices.Index(strings.Split(annotation, ","), shortKey(unit))
}

// ShortChain returns the name of a chain as the Job that builds it has it in an annotation.
func ShortChain(chain string) string { return chain[:min(unitLength, len(chain))] }

// CountUnits returns how many units an annotation lists.
func CountUnits(annotation string) int { return strings.Count(annotation, ",") + 1 }

func shortKey(unit pipeline.Node) string { return unit.Key[:min(unitLength, len(unit.Key))] }

// Labels returns the labels of everything that is created for a mix. None is copied from the mix's own labels: a GitOps tool deletes objects with
// its labels that are not in its repository.
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

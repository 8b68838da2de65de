package render

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

const (
	// workerID is the user and the group that workers run as, and that own the files they write.
	workerID int64 = 65532
	taskKey        = "task.json"

	dataVolume = "data"
	taskVolume = "task"
	tmpVolume  = "tmp"
)

// pod returns the pod of one unit. It satisfies the restricted Pod Security Standard.
func (w Work) pod() corev1.PodTemplateSpec {
	worker := ptr.Deref(w.Mix.Spec.Worker.DeepCopy(), datav1alpha1.Worker{})
	labels := stageLabels(w.Mix, w.Step.Stage)
	labels[datav1alpha1.LabelClaim] = claimLabel(w.Location.ClaimName)
	if w.fetches() {
		labels[datav1alpha1.LabelNetwork] = datav1alpha1.LabelValueFetch
	}
	if w.asksAzure() {
		labels[azureLabel] = "true"
	}
	spec := corev1.PodSpec{
		Containers:                   []corev1.Container{w.container(worker)},
		Volumes:                      w.volumes(),
		RestartPolicy:                corev1.RestartPolicyNever,
		ServiceAccountName:           worker.ServiceAccountName,
		AutomountServiceAccountToken: ptr.To(false),
		EnableServiceLinks:           ptr.To(false),
		PriorityClassName:            worker.PriorityClassName,
		RuntimeClassName:             unlessZero(worker.RuntimeClassName),
		NodeSelector:                 worker.NodeSelector,
		Tolerations:                  tolerations(worker),
		ImagePullSecrets:             pullSecrets(worker),
		SecurityContext:              podSecurity(),
	}
	if w.Sharing == OneNode {
		spec.Affinity = together(labels[datav1alpha1.LabelClaim])
	}
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec}
}

// podSecurity returns the security context of every pod: a user that is not root, and a group that owns the files that are written.
func podSecurity() *corev1.PodSecurityContext {
	return &corev1.PodSecurityContext{
		RunAsNonRoot: ptr.To(true),
		RunAsUser:    ptr.To(workerID),
		RunAsGroup:   ptr.To(workerID),
		FSGroup:      ptr.To(workerID),
		// the kubelet changes the owner of the files once, not at the start of every pod
		FSGroupChangePolicy: ptr.To(corev1.FSGroupChangeOnRootMismatch),
		SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

func containerSecurity() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: ptr.To(false),
		ReadOnlyRootFilesystem:   ptr.To(true),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}

func tolerations(worker datav1alpha1.Worker) []corev1.Toleration {
	var out []corev1.Toleration
	for _, toleration := range worker.Tolerations {
		out = append(out, corev1.Toleration{
			Key:               toleration.Key,
			Operator:          corev1.TolerationOperator(toleration.Operator),
			Value:             toleration.Value,
			Effect:            corev1.TaintEffect(toleration.Effect),
			TolerationSeconds: toleration.TolerationSeconds,
		})
	}
	return out
}

func pullSecrets(worker datav1alpha1.Worker) []corev1.LocalObjectReference {
	var out []corev1.LocalObjectReference
	for _, secret := range worker.ImagePullSecrets {
		out = append(out, corev1.LocalObjectReference{Name: secret.Name})
	}
	return out
}

func (w Work) container(worker datav1alpha1.Worker) corev1.Container {
	container := corev1.Container{
		Name:      contract.ContainerName,
		Image:     w.Settings.WorkerImage,
		Command:   []string{contract.WorkerProgram, string(w.Step.Stage)},
		Resources: resources(ptr.Deref(worker.Resources, datav1alpha1.Resources{})),
		VolumeMounts: []corev1.VolumeMount{
			{Name: dataVolume, MountPath: contract.VolumeFolder},
			{Name: taskVolume, MountPath: path.Dir(contract.TaskFile), ReadOnly: true},
			{Name: tmpVolume, MountPath: "/tmp"},
		},
		TerminationMessagePath:   contract.MessageFile,
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		SecurityContext:          containerSecurity(),
	}
	container.Env = []corev1.EnvVar{{Name: contract.BuildVariable, Value: Build(w.Recipe, w.Location)}}
	if w.Settings.HubEndpoint != "" {
		container.Env = append(container.Env, corev1.EnvVar{Name: "HF_ENDPOINT", Value: w.Settings.HubEndpoint})
	}
	if len(w.downloads()) > 0 {
		container.Env = append(container.Env, proxy(ptr.Deref(worker.Proxy, datav1alpha1.Proxy{}))...)
	}
	for _, secret := range w.sourceSecrets() {
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{
			Name: secretVolume(secret.name), MountPath: path.Join(contract.SecretFolder, secret.dataset), ReadOnly: true,
		})
	}
	for _, claim := range w.sourceClaims() {
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{
			Name: w.sourceVolume(claim), MountPath: path.Join(contract.ClaimFolder, claim), ReadOnly: true,
		})
	}
	return container
}

func (w Work) volumes() []corev1.Volume {
	volumes := []corev1.Volume{
		claimVolume(dataVolume, w.Location.ClaimName, false),
		{Name: taskVolume, VolumeSource: corev1.VolumeSource{Projected: w.projected()}},
		{Name: tmpVolume, VolumeSource: corev1.VolumeSource{
			EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: ptr.To(resource.MustParse("256Mi"))},
		}},
	}
	volumes = append(volumes, w.secretVolumes()...)
	for _, claim := range w.sourceClaims() {
		if name := w.sourceVolume(claim); name != dataVolume {
			volumes = append(volumes, claimVolume(name, claim, true))
		}
	}
	return volumes
}

// projected returns one volume with the task and, for downloads, tokens and certificates: a second volume could not be mounted inside one that is
// mounted read-only.
func (w Work) projected() *corev1.ProjectedVolumeSource {
	projected := &corev1.ProjectedVolumeSource{
		DefaultMode: ptr.To[int32](0o440),
		Sources: []corev1.VolumeProjection{{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: w.Name()},
			Items:                []corev1.KeyToPath{{Key: taskKey, Path: path.Base(contract.TaskFile)}},
		}}},
	}
	for _, download := range w.downloads() {
		projected.Sources = append(projected.Sources, keys(download)...)
	}
	return projected
}

// missing reports whether this Job builds the unit of a name.
func (w Work) missing(name string) bool {
	return slices.ContainsFunc(w.Step.Missing, func(unit pipeline.Node) bool { return unit.Name == name })
}

// downloads returns the sources that this Job downloads. If the cache is bounded, they include those of a split Job, which downloads an original again
// if the cache has removed it.
func (w Work) downloads() []Source {
	if w.Step.Stage == pipeline.StageSplit && w.Recipe.Output.CacheSize == 0 {
		return nil
	}
	return w.readers()
}

// fetches reports whether a pod of this Job may need the network. Network policies select pods by a label for that.
func (w Work) fetches() bool {
	return slices.ContainsFunc(w.downloads(), func(from Source) bool { return from.Source.Volume == nil })
}

// readers returns the sources that this Job may read: those that it downloads or splits and, in the split stage, every probe, since each data set is
// compared with all probes. Files of a PersistentVolumeClaim are not copied, so the split stage reads them in place.
func (w Work) readers() []Source {
	split := w.Step.Stage == pipeline.StageSplit
	if !split && w.Step.Stage != pipeline.StageDownload {
		return nil
	}
	return slices.DeleteFunc(Sources(w.Mix), func(from Source) bool { return !w.missing(from.Name) && (!split || !from.Probe) })
}

// sourceClaims returns the claims of the volume sources that this Job reads.
func (w Work) sourceClaims() []string {
	var claims []string
	for _, from := range w.readers() {
		if from.Source.Volume != nil {
			claims = append(claims, from.Source.Volume.ClaimName)
		}
	}
	slices.Sort(claims)
	return slices.Compact(claims)
}

// claimVolume returns the volume of a claim. If the volume is not read-only, the kubelet changes the group of every file to the pod's fsGroup, even if
// the container mounts it read-only.
func claimVolume(name, claim string, readOnly bool) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim, ReadOnly: readOnly},
	}}
}

// sourceVolume returns the name of the volume of a source's claim. The claim's own name may be too long for a volume, or contain dots. A source on the
// claim that the mix is built on is read through the data volume: a pod cannot mount the claim a second time, read-only.
func (w Work) sourceVolume(claim string) string {
	if claim == w.Location.ClaimName {
		return dataVolume
	}
	return "source-" + claimLabel(claim)
}

func claimLabel(claim string) string {
	sum := sha256.Sum256([]byte(claim))
	return hex.EncodeToString(sum[:])[:hashLength]
}

// together returns an affinity that puts all pods that use a claim onto one node, whatever mix they belong to: the volume is attached to one node only.
func together(claim string) *corev1.Affinity {
	return &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{datav1alpha1.LabelClaim: claim}},
			TopologyKey:   corev1.LabelHostname,
		}},
	}}
}

// resources fills in what is unset, so that a namespace with a quota admits the pods. The default request of memory is its limit: a worker that is
// killed for lack of memory has worked in vain.
func resources(from datav1alpha1.Resources) corev1.ResourceRequirements {
	requests := ptr.Deref(from.Requests, datav1alpha1.ResourceAmounts{})
	limits := ptr.Deref(from.Limits, datav1alpha1.ResourceAmounts{})

	memoryLimit := first(limits.Memory, requests.Memory, ptr.To(resource.MustParse("512Mi")))
	memory := first(requests.Memory, &memoryLimit)
	cpuLimit := first(limits.CPU, ptr.To(resource.MustParse("2")))
	if limits.CPU == nil && requests.CPU != nil && requests.CPU.Cmp(cpuLimit) > 0 {
		cpuLimit = *requests.CPU
	}
	cpu := first(requests.CPU, ptr.To(resource.MustParse("250m")))
	if requests.CPU == nil && cpu.Cmp(cpuLimit) > 0 {
		cpu = cpuLimit
	}
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory},
		Limits:   corev1.ResourceList{corev1.ResourceCPU: cpuLimit, corev1.ResourceMemory: memoryLimit},
	}
}

func first(quantities ...*resource.Quantity) resource.Quantity {
	for _, quantity := range quantities {
		if quantity != nil {
			return *quantity
		}
	}
	return resource.Quantity{}
}

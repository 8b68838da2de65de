package render

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// keys returns the single keys of Secrets and ConfigMaps that a download needs, and its workload identity token, as files below the task's folder.
func keys(download Source) []corev1.VolumeProjection {
	var out []corev1.VolumeProjection
	if hub := download.Source.HuggingFace; hub != nil && hub.TokenSecretRef != nil {
		folder := path.Join(path.Base(contract.TokenFolder), download.Name)
		hosts := secretKey(hub.TokenSecretRef.Name, contract.HostsKey, path.Join(folder, contract.HostsKey))
		hosts.Secret.Optional = ptr.To(true) // most Secrets have no such key
		out = append(out, secretKey(hub.TokenSecretRef.Name, hub.TokenSecretRef.Key, path.Join(folder, "token")), hosts)
	}
	if bundle := BundleOf(download.Source); bundle != nil {
		at := path.Join(path.Base(contract.BundleFolder), download.Name, "ca.crt")
		out = append(out, bundleKey(*bundle, at))
	}
	if store := download.Source.ObjectStore; store != nil && store.RoleARN != "" {
		out = append(out, corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
			Audience: awsAudience, ExpirationSeconds: ptr.To[int64](3600),
			Path: path.Join(path.Base(contract.TokenFolder), download.Name, contract.IdentityFile),
		}})
	}
	return out
}

// awsAudience is the audience of the token of a worker that assumes a role of AWS. No other service accepts it, not even the API server.
const awsAudience = "sts.amazonaws.com"

// azureLabel asks the webhook of Azure Workload Identity to give a pod its variables and token.
const azureLabel = "azure.workload.identity/use"

// asksAzure reports whether a download of this Job signs in to Azure Blob Storage as the worker's service account.
func (w Work) asksAzure() bool { return slices.ContainsFunc(w.downloads(), asksAzure) }

func asksAzure(from Source) bool {
	store := from.Source.ObjectStore
	return store != nil && store.Access == datav1alpha1.AccessWorkloadIdentity && strings.HasPrefix(store.URL, "azblob://")
}

func secretKey(name, key, at string) corev1.VolumeProjection {
	return corev1.VolumeProjection{Secret: &corev1.SecretProjection{
		LocalObjectReference: corev1.LocalObjectReference{Name: name},
		Items:                []corev1.KeyToPath{{Key: key, Path: at}},
	}}
}

func bundleKey(ref datav1alpha1.BundleReference, at string) corev1.VolumeProjection {
	if ref.Kind == datav1alpha1.BundleSecret {
		return secretKey(ref.Name, ref.Key, at)
	}
	return corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{
		LocalObjectReference: corev1.LocalObjectReference{Name: ref.Name},
		Items:                []corev1.KeyToPath{{Key: ref.Key, Path: at}},
	}}
}

// sourceSecret is a Secret that a download needs as a whole: which keys it has depends on the kind of its credentials. A projected volume, which
// names keys, cannot mount it.
type sourceSecret struct{ dataset, name string }

// sourceSecrets returns the whole Secrets of this Job's downloads, in the order of the manifest.
func (w Work) sourceSecrets() []sourceSecret {
	var secrets []sourceSecret
	for _, download := range w.downloads() {
		if secret := SecretOf(download.Source); secret != nil {
			secrets = append(secrets, sourceSecret{download.Name, secret.Name})
		}
	}
	return secrets
}

// secretVolumes returns a volume for each Secret, even if several downloads need it.
func (w Work) secretVolumes() []corev1.Volume {
	var volumes []corev1.Volume
	secrets := w.sourceSecrets()
	for i, secret := range secrets {
		if !slices.ContainsFunc(secrets[:i], func(other sourceSecret) bool { return other.name == secret.name }) {
			volumes = append(volumes, wholeSecret(secret.name))
		}
	}
	return volumes
}

func wholeSecret(name string) corev1.Volume {
	return corev1.Volume{Name: secretVolume(name), VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: name, DefaultMode: ptr.To[int32](0o440)},
	}}
}

// secretVolume returns the name of a Secret's volume. The Secret's own name may be too long for a volume, or contain dots.
func secretVolume(secret string) string { return "secret-" + claimLabel(secret) }

// proxy returns the environment variables of a proxy.
func proxy(from datav1alpha1.Proxy) []corev1.EnvVar {
	exceptions := make([]string, len(from.NoProxy))
	for i, exception := range from.NoProxy {
		exceptions[i] = string(exception)
	}
	var out []corev1.EnvVar
	for _, variable := range []corev1.EnvVar{
		{Name: "HTTP_PROXY", Value: from.HTTP},
		{Name: "HTTPS_PROXY", Value: from.HTTPS},
		{Name: "NO_PROXY", Value: strings.Join(exceptions, ",")},
	} {
		if variable.Value != "" {
			out = append(out, variable)
		}
	}
	return out
}

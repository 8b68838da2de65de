// Package places maps the PersistentVolumeClaims, Secrets and ConfigMaps that a mix names to folders of this machine.
package places

import (
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/hub"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/source/volume"
	"github.com/datasetmix/datasetmix/internal/source/web"
)

// Places are folders by the names of claims, Secrets and ConfigMaps.
type Places struct {
	claims, secrets, configMaps map[string]string
	// Folder is the folder of the manifest. It takes the place of a claim for which no folder was named, if it holds the path of the source.
	Folder string
	// Found are the claims whose place Folder takes.
	Found []string
}

// Flags adds the flags that name the folders.
func (p *Places) Flags(flags *pflag.FlagSet) {
	flags.StringToStringVar(&p.claims, "claim", nil, "where the claim of a volume source lies here, such as corpora=/mnt/corpora")
	flags.StringToStringVar(&p.secrets, "secret", nil, "a folder with a file for each key of a Secret that a source names, such as files-login=./login")
	flags.StringToStringVar(&p.configMaps, "configmap", nil, "a folder with a file for each key of a ConfigMap that a source names, such as company-ca=./ca")
}

// FolderOf returns the folder of a manifest; for standard input, the current one.
func FolderOf(manifest string) string {
	if manifest == "-" {
		return "."
	}
	return filepath.Dir(manifest)
}

// Find lets Folder take the place of claims for which no folder was named, if it holds the path of the source.
func (p *Places) Find(mix *datav1alpha1.DatasetMix) {
	for _, s := range render.Sources(mix) {
		volume := s.Source.Volume
		if volume == nil || p.claims[volume.ClaimName] != "" || !p.isNext(*volume) {
			continue
		}
		if p.claims == nil {
			p.claims = map[string]string{}
		}
		p.claims[volume.ClaimName] = p.Folder
		p.Found = append(p.Found, volume.ClaimName)
	}
}

// isNext reports whether the path of a source exists next to the manifest.
func (p Places) isNext(volume datav1alpha1.VolumeSource) bool {
	_, err := os.Stat(p.pathOf(volume))
	return err == nil && !isWhole(volume)
}

// pathOf returns the path of a source in the folder of the manifest.
func (p Places) pathOf(volume datav1alpha1.VolumeSource) string {
	return filepath.Join(p.Folder, filepath.FromSlash(volume.Path))
}

// isWhole reports whether a source reads all of a claim. The folder of the manifest never takes the place of such a claim: it holds the manifest, and
// may hold what was built.
func isWhole(volume datav1alpha1.VolumeSource) bool { return path.Clean("/"+volume.Path) == "/" }

// Check returns an error for the first claim, Secret or ConfigMap that has no folder, before any download begins. Secrets of Hubs, object stores and
// registries need none: their credentials may come from where the tools of these services look for them.
func (p Places) Check(mix *datav1alpha1.DatasetMix) error {
	missing := func(who, what, name, flag string) error {
		return contract.Failf(contract.InvalidTask, "%s reads %s %s; say where it lies here with --%s %s=FOLDER", who, what, name, flag, name)
	}
	for _, s := range render.Sources(mix) {
		if volume := s.Source.Volume; volume != nil && (p.claims[volume.ClaimName] == "" || slices.Contains(p.Found, volume.ClaimName) && !p.isNext(*volume)) {
			return p.missingClaim(s.Name, *volume)
		}
		if s.Source.HTTP != nil {
			if ref := s.Source.HTTP.SecretRef; ref != nil && p.secrets[ref.Name] == "" {
				return missing(s.Name, "Secret", ref.Name, "secret")
			}
		}
		if ref := render.BundleOf(s.Source); ref != nil && p.bundleFolder(ref) == "" {
			if ref.Kind == datav1alpha1.BundleSecret {
				return missing(s.Name, "Secret", ref.Name, "secret")
			}
			return missing(s.Name, "ConfigMap", ref.Name, "configmap")
		}
	}
	return nil
}

// missingClaim returns the error for a claim without a folder, with the file next to the manifest that may have been meant.
func (p Places) missingClaim(who string, volume datav1alpha1.VolumeSource) error {
	if isWhole(volume) {
		return contract.Failf(contract.InvalidTask, "%s reads claim %s; say where it lies here with --claim %s=FOLDER", who, volume.ClaimName, volume.ClaimName)
	}
	return contract.Failf(contract.InvalidTask, "%s reads %s of claim %s, and there is no such file next to the manifest%s; say where the claim lies here with --claim %s=FOLDER",
		who, volume.Path, volume.ClaimName, cli.NearFile(p.pathOf(volume)), volume.ClaimName)
}

func (p Places) bundleFolder(ref *datav1alpha1.BundleReference) string {
	if ref.Kind == datav1alpha1.BundleSecret {
		return p.secrets[ref.Name]
	}
	return p.configMaps[ref.Name]
}

// Sources returns a function that opens the sources of a mix from this machine.
func (p Places) Sources(mix *datav1alpha1.DatasetMix) func(recipe.Dataset) (source.Source, error) {
	all := render.Sources(mix)
	return func(dataset recipe.Dataset) (source.Source, error) {
		options := open.Options{Hub: hub.Options{Endpoint: os.Getenv("HF_ENDPOINT")}, Volume: volume.Options{Claims: p.claims}}
		if from := dataset.Source.HuggingFace; from != nil && from.Endpoint == "" {
			options.Hub.Token = os.Getenv("HF_TOKEN") // it is for the Hub of HF_ENDPOINT, not for one that a manifest names
		}
		if i := slices.IndexFunc(all, func(s render.Source) bool { return s.Name == dataset.Name }); i >= 0 {
			if err := p.credentials(all[i].Source, &options); err != nil {
				return nil, err
			}
		}
		return open.New(dataset.Source, options)
	}
}

// credentials reads the Secrets and the ConfigMap of a source into its options.
func (p Places) credentials(from datav1alpha1.Source, into *open.Options) error {
	if hub := from.HuggingFace; hub != nil && hub.TokenSecretRef != nil && p.secrets[hub.TokenSecretRef.Name] != "" {
		token, err := readKey(p.secrets[hub.TokenSecretRef.Name], hub.TokenSecretRef.Key)
		if err != nil {
			return err
		}
		into.Hub.Token = string(token)
		if into.Network.Hosts, err = transport.ReadHosts(p.secrets[hub.TokenSecretRef.Name]); err != nil {
			return err
		}
	}
	if ref := render.BundleOf(from); ref != nil {
		bundle, err := readKey(p.bundleFolder(ref), ref.Key)
		if err != nil {
			return err
		}
		into.Network.CABundle = bundle
	}
	secret := render.SecretOf(from)
	if secret == nil {
		return nil
	}
	var err error
	if folder := p.secrets[secret.Name]; folder != "" {
		if into.Network.Hosts, err = transport.ReadHosts(folder); err != nil {
			return err
		}
	}
	switch {
	case from.HTTP != nil:
		return p.login(*secret, &into.Web.Login)
	case from.ObjectStore != nil:
		into.ObjectStore.Secret = p.secrets[secret.Name]
	default:
		into.OCI.Secret = p.secrets[secret.Name]
	}
	return nil
}

func (p Places) login(ref datav1alpha1.LocalReference, into *web.Login) (err error) {
	if _, err := os.Stat(p.secrets[ref.Name]); err != nil {
		return contract.Failf(contract.AuthenticationFailed, "the folder of Secret %s cannot be read: %w", ref.Name, err)
	}
	*into, err = web.ReadLogin(p.secrets[ref.Name])
	return err
}

func readKey(folder, key string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(folder, key))
	if err != nil {
		return nil, contract.Failf(contract.AuthenticationFailed, "a credential cannot be read: %w", err)
	}
	return content, nil
}

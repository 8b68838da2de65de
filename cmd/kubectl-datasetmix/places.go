package main

import (
	"os"
	"path/filepath"
	"slices"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
	"github.com/datasetmix/datasetmix/internal/source"
)

// places says where lies here what a mix names and a cluster mounts: folders by the names of claims, Secrets and ConfigMaps.
type places struct {
	claims, secrets, configMaps map[string]string
}

// check finds what nobody placed before the first download begins. The credentials of Hubs, stores and registries may come from
// where their own tools find them.
func (p places) check(mix *datav1alpha1.DatasetMix) error {
	missing := func(who, what, name, flag string) error {
		return contract.Failf(contract.InvalidTask, "%s reads %s %s; say where it lies here with --%s %s=FOLDER", who, what, name, flag, name)
	}
	for _, s := range render.Sources(mix) {
		if volume := s.Source.Volume; volume != nil && p.claims[volume.ClaimName] == "" {
			return missing(s.Name, "claim", volume.ClaimName, "claim")
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

func (p places) bundleFolder(ref *datav1alpha1.BundleReference) string {
	if ref.Kind == datav1alpha1.BundleSecret {
		return p.secrets[ref.Name]
	}
	return p.configMaps[ref.Name]
}

// sources are the sources of a mix as this process sees them.
func (p places) sources(mix *datav1alpha1.DatasetMix) func(recipe.Dataset) (source.Source, error) {
	all := render.Sources(mix)
	return func(dataset recipe.Dataset) (source.Source, error) {
		environment := source.Environment{HubEndpoint: os.Getenv("HF_ENDPOINT"), Claims: p.claims}
		if hub := dataset.Source.HuggingFace; hub != nil && hub.Endpoint == "" {
			environment.Token = os.Getenv("HF_TOKEN") // which is for that Hub, and not for one that a manifest names
		}
		if i := slices.IndexFunc(all, func(s render.Source) bool { return s.Name == dataset.Name }); i >= 0 {
			if err := p.credentials(all[i].Source, &environment); err != nil {
				return nil, err
			}
		}
		return source.New(dataset.Source, environment)
	}
}

// credentials reads what a source's Secrets and ConfigMaps hold.
func (p places) credentials(from datav1alpha1.Source, into *source.Environment) error {
	if hub := from.HuggingFace; hub != nil && hub.TokenSecretRef != nil && p.secrets[hub.TokenSecretRef.Name] != "" {
		token, err := readKey(p.secrets[hub.TokenSecretRef.Name], hub.TokenSecretRef.Key)
		if err != nil {
			return err
		}
		into.Token = string(token)
		if into.Hosts, err = source.ReadHosts(p.secrets[hub.TokenSecretRef.Name]); err != nil {
			return err
		}
	}
	if ref := render.BundleOf(from); ref != nil {
		bundle, err := readKey(p.bundleFolder(ref), ref.Key)
		if err != nil {
			return err
		}
		into.CABundle = bundle
	}
	secret := render.SecretOf(from)
	if secret == nil {
		return nil
	}
	var err error
	if folder := p.secrets[secret.Name]; folder != "" {
		if into.Hosts, err = source.ReadHosts(folder); err != nil {
			return err
		}
	}
	switch {
	case from.HTTP != nil:
		return p.login(*secret, into)
	default:
		into.Secret = p.secrets[secret.Name]
		return nil
	}
}

func (p places) login(ref datav1alpha1.LocalReference, into *source.Environment) error {
	if _, err := os.Stat(p.secrets[ref.Name]); err != nil {
		return contract.Failf(contract.AuthenticationFailed, "the folder of Secret %s cannot be read: %w", ref.Name, err)
	}
	login, err := source.ReadLogin(p.secrets[ref.Name])
	into.Login = login
	return err
}

func readKey(folder, key string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(folder, key))
	if err != nil {
		return nil, contract.Failf(contract.AuthenticationFailed, "a credential cannot be read: %w", err)
	}
	return content, nil
}

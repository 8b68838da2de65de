package render

import datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"

// Source is the source of a data set or of a probe, with its references to Secrets, which a recipe does not have.
type Source struct {
	Name   string
	Probe  bool
	Source datav1alpha1.Source
}

// Sources returns the sources of all data sets and probes in the order of the manifest.
func Sources(mix *datav1alpha1.DatasetMix) []Source {
	var all []Source
	for _, domain := range mix.Spec.Domains {
		for _, dataset := range domain.Datasets {
			all = append(all, Source{Name: dataset.Name, Source: dataset.Source})
		}
	}
	if decontaminate := mix.Spec.Decontaminate; decontaminate != nil {
		for _, probe := range decontaminate.Against {
			all = append(all, Source{Name: probe.Name, Probe: true, Source: probe.Source})
		}
	}
	return all
}

// BundleOf returns the reference to a source's certificates; nil for none.
func BundleOf(from datav1alpha1.Source) *datav1alpha1.BundleReference {
	switch {
	case from.HTTP != nil:
		return from.HTTP.CABundleRef
	case from.ObjectStore != nil:
		return from.ObjectStore.CABundleRef
	case from.OCI != nil:
		return from.OCI.CABundleRef
	default:
		return nil
	}
}

// SecretOf returns the reference to the Secret that a source needs as a whole; nil for none.
func SecretOf(from datav1alpha1.Source) *datav1alpha1.LocalReference {
	switch {
	case from.HTTP != nil:
		return from.HTTP.SecretRef
	case from.ObjectStore != nil:
		return from.ObjectStore.SecretRef
	case from.OCI != nil:
		return from.OCI.SecretRef
	default:
		return nil
	}
}

package render

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// DefaultKeepRevisions is the default of spec.output.keepRevisions.
const DefaultKeepRevisions = 3

// DefaultKeepSeconds is the default of spec.output.keepSeconds: an hour.
const DefaultKeepSeconds = 3600

// Recipe returns the recipe of a mix that has passed the schema: shares are the smallest integers of the same ratio, and defaults are filled in.
func Recipe(mix *datav1alpha1.DatasetMix) (recipe.Recipe, error) {
	spec := &mix.Spec
	out := recipe.Recipe{
		Name:  mix.Name,
		Seed:  ptr.Deref(spec.Seed, 0),
		Order: recipe.Order(cmp.Or(spec.Order, datav1alpha1.OrderShuffled)),
		Output: recipe.Output{
			Path:          OutputPath(mix),
			Format:        recipe.Format(cmp.Or(spec.Output.Format, datav1alpha1.FormatJSONL)),
			Shards:        int(unlessDefault(spec.Output.Shards, 1)),
			Exports:       exports(spec.Output.Exports),
			Layout:        recipe.LayoutRule,
			Keep:          keep(spec.Output.Keep),
			KeepRevisions: int(cmp.Or(spec.Output.KeepRevisions, DefaultKeepRevisions)),
			CacheSize:     cacheSize(spec.Output.Cache),
		},
		Resample:       recipe.Resample(unlessDefault(spec.Resample, datav1alpha1.ResamplePasses)),
		Unit:           recipe.ShareUnit(unlessDefault(spec.Unit, datav1alpha1.UnitRows)),
		Tokenizer:      tokenizer(spec.Tokenizer),
		Compare:        comparison(spec.Compare),
		Duplicates:     recipe.Duplicates(unlessDefault(spec.Duplicates, datav1alpha1.DuplicatesKeep)),
		NearDuplicates: nearDuplicates(spec.NearDuplicates),
		Decontaminate:  decontaminate(spec.Decontaminate),
		Policy:         policy(spec.Policy),
	}
	if spec.Limits != nil {
		out.MaxRepeats = spec.Limits.MaxRepeats
	}
	var err error
	if out.Splits, err = splits(spec.Splits); err != nil {
		return recipe.Recipe{}, err
	}
	if out.Domains, err = domains(spec.Domains); err != nil {
		return recipe.Recipe{}, err
	}
	for i, export := range out.Output.Exports {
		out.Output.Exports[i].Context = export.Format != recipe.ExportText && out.HasContext()
	}
	return out, nil
}

// policy returns a policy with its licenses sorted and spelled uniformly, since neither order nor spelling has a meaning.
func policy(from *datav1alpha1.Policy) *recipe.Policy {
	if from == nil {
		return nil
	}
	var licenses []string
	for _, license := range from.Licenses {
		licenses = append(licenses, recipe.LicenseID(license))
	}
	slices.Sort(licenses)
	return &recipe.Policy{Licenses: slices.Compact(licenses), UnknownLicenses: recipe.UnknownLicenses(unlessDefault(from.UnknownLicenses, datav1alpha1.UnknownLicensesRefuse))}
}

func splits(from []datav1alpha1.Split) ([]recipe.Split, error) {
	shares, err := normalize(from, func(split datav1alpha1.Split) resource.Quantity { return split.Share })
	if err != nil {
		return nil, fmt.Errorf("spec.splits: %w", err)
	}
	var out []recipe.Split
	for i, split := range from {
		out = append(out, recipe.Split{
			Name:  split.Name,
			Share: shares[i],
			Size:  recipe.Size{Policy: recipe.SizePolicy(split.Size.Policy), Rows: split.Size.Rows},
		})
	}
	return out, nil
}

func domains(from []datav1alpha1.Domain) ([]recipe.Domain, error) {
	shares, err := normalize(from, func(domain datav1alpha1.Domain) resource.Quantity { return domain.Share })
	if err != nil {
		return nil, fmt.Errorf("spec.domains: %w", err)
	}
	var out []recipe.Domain
	for i, domain := range from {
		sets, err := datasets(domain)
		if err != nil {
			return nil, fmt.Errorf("the data sets of domain %s: %w", domain.Name, err)
		}
		out = append(out, recipe.Domain{
			Name:     domain.Name,
			Share:    shares[i],
			Balance:  recipe.Balance(cmp.Or(domain.Balance, datav1alpha1.BalanceLargest)),
			Datasets: sets,
		})
	}
	return out, nil
}

func datasets(domain datav1alpha1.Domain) ([]recipe.Dataset, error) {
	var out []recipe.Dataset
	for _, dataset := range domain.Datasets {
		set := recipe.Dataset{
			Name:   dataset.Name,
			Source: source(dataset.Source),
			Read:   read(dataset.Read),
			Record: record(dataset.Record),
		}
		set.Source.Names = set.Record.MentionsFile()
		out = append(out, set)
	}
	if domain.Balance != datav1alpha1.BalanceShares {
		return out, nil
	}
	if slices.ContainsFunc(domain.Datasets, func(dataset datav1alpha1.Dataset) bool { return dataset.Share == nil }) {
		return nil, errors.New("the balance Shares needs a share for each of them")
	}
	shares, err := normalize(domain.Datasets, func(dataset datav1alpha1.Dataset) resource.Quantity { return *dataset.Share })
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Share = shares[i]
	}
	return out, nil
}

func source(from datav1alpha1.Source) recipe.Source {
	var out recipe.Source
	if hub := from.HuggingFace; hub != nil {
		out.HuggingFace = &recipe.HuggingFace{
			Repo: hub.Repo, Revision: hub.Revision, Config: hub.Config, Split: hub.Split,
			Files: globs(hub.Files), Endpoint: hub.Endpoint,
		}
	}
	if from.HTTP != nil {
		out.HTTP = &recipe.HTTP{}
		for _, file := range from.HTTP.URLs {
			out.HTTP.URLs = append(out.HTTP.URLs, recipe.HTTPFile{URL: file.URL, SHA256: file.SHA256})
		}
	}
	if store := from.ObjectStore; store != nil {
		out.ObjectStore = objectStore(*store)
	}
	if oci := from.OCI; oci != nil {
		out.OCI = &recipe.OCI{Reference: oci.Reference, Files: globs(oci.Files)}
		if oci.Scheme == datav1alpha1.RegistryHTTP {
			out.OCI.Scheme = string(oci.Scheme)
		}
	}
	if volume := from.Volume; volume != nil {
		out.Volume = &recipe.Volume{ClaimName: volume.ClaimName, Path: volume.Path, Files: globs(volume.Files)}
	}
	if from.Expect != nil {
		out.Expect = &recipe.Expect{Rows: from.Expect.Rows, SHA256: from.Expect.SHA256}
	}
	return out
}

// cacheSize returns the maximum size of the cache in bytes, 0 for no maximum. A maximum of 0 becomes 1 byte, which no original fits into.
func cacheSize(from *datav1alpha1.Cache) int64 {
	if from == nil || from.MaxSize == nil {
		return 0
	}
	return max(1, from.MaxSize.Value())
}

func objectStore(from datav1alpha1.ObjectStoreSource) *recipe.ObjectStore {
	access := from.Access
	if access == "" && from.SecretRef != nil {
		access = datav1alpha1.AccessSecret
	}
	return &recipe.ObjectStore{
		URL: from.URL, Files: globs(from.Files), Endpoint: from.Endpoint, Region: from.Region,
		Addressing: recipe.Addressing(from.Addressing), RoleARN: from.RoleARN,
		Access: recipe.Access(unlessDefault(access, datav1alpha1.AccessAnonymous)),
	}
}

func record(from datav1alpha1.Record) recipe.Record {
	out := recipe.Record{
		Preset:          recipe.PresetVersion(string(from.Preset)),
		Question:        string(from.Question),
		ReferenceAnswer: string(from.ReferenceAnswer),
		AnswerType:      string(from.AnswerType),
		Where:           string(from.Where),
		GroupBy:         string(from.GroupBy),
		Answers:         recipe.Answers(from.Answers),
		Rule:            recipe.RecordRule,
		Keep:            names(from.Keep),
		KeepAsText:      names(from.KeepAsText),
		Scorer:          recipe.Scorer(from.Scorer),
	}
	for _, expression := range from.Decontaminate {
		out.Decontaminate = append(out.Decontaminate, string(expression))
	}
	if from.Preset == "" { // a preset may have a default of its own
		out.Answers = recipe.Answers(unlessDefault(from.Answers, datav1alpha1.AnswersRequired))
	}
	for _, member := range from.Metadata {
		out.Metadata = append(out.Metadata, recipe.Metadata{Name: member.Name, Value: string(member.Value)})
	}
	return out
}

// names returns names sorted, since their order has no meaning.
func names(from []datav1alpha1.MemberName) []string {
	var out []string
	for _, name := range from {
		out = append(out, string(name))
	}
	slices.Sort(out)
	return out
}

func globs(from []datav1alpha1.FileGlob) []string {
	var out []string
	for _, glob := range from {
		out = append(out, string(glob))
	}
	return out
}

// normalize returns the shares of items as the smallest integers of the same ratio.
func normalize[T any](items []T, share func(T) resource.Quantity) ([]int64, error) {
	shares := make([]*big.Rat, len(items))
	for i, item := range items {
		shares[i] = exact(share(item))
	}
	return recipe.NormalizeShares(shares)
}

// exact returns a quantity as a fraction, without rounding.
func exact(quantity resource.Quantity) *big.Rat {
	decimal := quantity.AsDec() // of a copy: AsDec changes the quantity
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(int64(decimal.Scale()), -int64(decimal.Scale()))), nil)
	if decimal.Scale() < 0 {
		return new(big.Rat).SetInt(new(big.Int).Mul(decimal.UnscaledBig(), power))
	}
	return new(big.Rat).SetFrac(decimal.UnscaledBig(), power)
}

// unlessDefault returns the value of a field that was added after the first release: the zero value for the default, so that older recipes keep their
// keys.
func unlessDefault[T comparable](value, fallback T) T {
	var unset T
	if value == fallback {
		return unset
	}
	return value
}

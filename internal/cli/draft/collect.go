package draft

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/look"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source/hub"
	"github.com/datasetmix/datasetmix/internal/source/open"
)

// Claim is the name of the PersistentVolumeClaim that a drafted manifest reads files from.
const Claim = "my-files"

// repository matches the names of Hub repositories: hf://owner/name, hf://datasets/owner/name as in Hugging Face's own libraries, and the address
// of the repository's page. Each may end with @ and a revision.
var repository = regexp.MustCompile(`^(?:hf://(?:datasets/)?|https://huggingface\.co/datasets/)([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*?)(?:@([A-Za-z0-9][A-Za-z0-9._/-]*))?/?$`)

// Inputs are the files and repositories to draft a manifest of.
type Inputs struct {
	// Names are files and folders, and repositories as hf://owner/name.
	Names []string
	// File is the manifest to be written; "-" is standard output.
	File string
	// Sources are the options for reading the sources; Collect sets the claims.
	Sources open.Options
}

// Collect looks at the inputs, and returns the mix to write a manifest of.
func Collect(ctx context.Context, in Inputs) (Mix, error) {
	folder := filepath.Dir(in.File)
	base, err := baseOf(folder, in.Names)
	if err != nil {
		return Mix{}, err
	}
	mix := Mix{Name: NameOf(strings.TrimSuffix(filepath.Base(in.File), filepath.Ext(in.File)), nil), File: in.File, Command: "kubectl datasetmix build -f " + in.File}
	if base != folder {
		mix.Command += fmt.Sprintf(" --claim %s=%s", Claim, base)
	}
	in.Sources.Volume.Claims = map[string]string{Claim: base}
	var taken []string
	for _, name := range in.Names {
		var d Dataset
		if found := repository.FindStringSubmatch(name); found != nil {
			d, err = fromHub(ctx, recipe.HuggingFace{Repo: found[1], Revision: found[2]}, in.Sources)
		} else {
			d, err = fromFile(name, base, folder)
		}
		if err != nil {
			return Mix{}, err
		}
		d.Name = NameOf(d.Name, taken)
		taken = append(taken, d.Name)
		if err := d.examine(ctx, in.Sources); err != nil {
			return Mix{}, contract.Within(d.Title, err)
		}
		mix.Datasets = append(mix.Datasets, d)
	}
	return mix, nil
}

// baseOf returns the folder that the paths of the files are relative to: the manifest's if it holds all of them, else the deepest that does.
func baseOf(folder string, names []string) (string, error) {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	base, common := folder, ""
	for _, name := range names {
		if repository.MatchString(name) {
			continue
		}
		file, err := filepath.Abs(name)
		if err != nil {
			return "", err
		}
		if !strings.HasPrefix(file, absolute+string(filepath.Separator)) {
			base = ""
		}
		for parent := filepath.Dir(file); ; parent = filepath.Dir(parent) {
			if common == "" || parent == common || strings.HasPrefix(common, strings.TrimSuffix(parent, "/")+"/") {
				common = parent
				break
			}
		}
	}
	if base == "" {
		return common, nil
	}
	return base, nil
}

// fromFile returns the data set of a file or a folder. It is an error if the folder holds the manifest.
func fromFile(name, base, manifest string) (Dataset, error) {
	if strings.HasPrefix(name, "hf:") || strings.Contains(name, "://") {
		return Dataset{}, contract.Failf(contract.InvalidTask, "%s is neither a file nor a repository; write a repository as hf://owner/name", name)
	}
	if _, err := os.Stat(name); err != nil {
		return Dataset{}, contract.Failf(contract.FileNotFound, "there is nothing to read at %s%s", name, cli.NearFile(name))
	}
	absolute, err := filepath.Abs(name)
	if err != nil {
		return Dataset{}, err
	}
	from, err := filepath.Abs(base)
	if err != nil {
		return Dataset{}, err
	}
	below, err := filepath.Rel(from, absolute)
	if err != nil {
		return Dataset{}, err
	}
	if holder, err := filepath.Abs(manifest); err != nil || strings.HasPrefix(holder+"/", absolute+"/") {
		return Dataset{}, contract.Failf(contract.InvalidTask, "%s holds the manifest, too; name the files in it, or write the manifest to another folder with --filename", name)
	}
	title := filepath.Base(name)
	stem, _, _ := strings.Cut(title, ".")
	return Dataset{Title: title, Name: stem, Source: recipe.Source{Volume: &recipe.Volume{ClaimName: Claim, Path: filepath.ToSlash(below)}}}, nil
}

// fromHub returns the data set of a repository: its default configuration, else the first one, and the split train, else the first one.
func fromHub(ctx context.Context, spec recipe.HuggingFace, o open.Options) (Dataset, error) {
	card, err := open.ReadCard(ctx, spec, o)
	if err != nil {
		return Dataset{}, err
	}
	d := Dataset{Title: spec.Repo, Name: path.Base(spec.Repo)}
	spec.Revision = card.Revision
	if card.License != "" {
		d.Comments = append(d.Comments, "license: "+card.License)
	} else {
		d.Comments = append(d.Comments, "the repository names no license")
	}
	if len(card.Configs) > 0 {
		chosen := card.Configs[max(0, slices.IndexFunc(card.Configs, func(c hub.CardConfig) bool { return c.Default }))]
		spec.Config = chosen.Name
		var configs, splits []string
		for _, c := range card.Configs {
			configs = append(configs, c.Name)
		}
		for _, split := range chosen.Splits {
			splits = append(splits, split.Name)
		}
		if len(chosen.Splits) > 0 {
			split := chosen.Splits[max(0, slices.Index(splits, "train"))]
			spec.Split, d.Rows = split.Name, split.Rows
		}
		d.choices("configurations", configs)
		d.choices("splits", splits)
	}
	d.Source = recipe.Source{HuggingFace: &spec}
	return d, nil
}

// choices adds a comment with the names to choose from, if there are several.
func (d *Dataset) choices(what string, names []string) {
	if len(names) > 1 {
		d.Comments = append(d.Comments, fmt.Sprintf("%s: %s", what, strings.Join(names, ", ")))
	}
}

// examine guesses a record for the rows, and tries it: on all rows of files, and on the first rows of a repository.
func (d *Dataset) examine(ctx context.Context, o open.Options) error {
	from, err := open.New(d.Source, o)
	if err != nil {
		return err
	}
	listing, err := from.Resolve(ctx)
	if err != nil {
		return err
	}
	sample, err := look.Take(ctx, from, listing.Files)
	if err != nil {
		return err
	}
	for _, m := range sample.Members() {
		d.Members = append(d.Members, m.Name)
	}
	if d.Guess, err = sample.Guess(ctx); err != nil || d.Guess.Preset == "" && d.Guess.Question == "" {
		return err
	}
	limits := look.Limits{}
	if d.Source.Volume == nil {
		limits.Rows = 1000
	}
	seen, err := look.Of(ctx, from, recipe.Dataset{Name: d.Name, Source: d.Source, Record: d.record(), Read: recipe.Read{OnBadRow: recipe.SkipBadRow}}, d.Name, limits)
	if err != nil {
		return err
	}
	if seen.Problem != "" {
		return contract.Failf(contract.InvalidData, "%s", seen.Problem)
	}
	if seen.Whole {
		d.Rows, d.Kept = seen.Read, seen.Kept
	}
	for _, drop := range seen.Dropped {
		if drop.First != "" { // not left out by the record
			d.Bad = append(d.Bad, drop)
		}
	}
	return nil
}

// record returns the guessed record.
func (d *Dataset) record() recipe.Record {
	if d.Guess.Preset == "" {
		return d.Guess.Record
	}
	return recipe.Record{Preset: recipe.PresetVersion(d.Guess.Preset), Rule: recipe.RecordRule}
}

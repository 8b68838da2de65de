package stage

import (
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/report"
)

// describe writes what people and training code read beside the rows.
func (p *publisher) describe() error {
	balanced := *p.result(recipe.Balancing, p.Recipe.Name).Balance
	for _, name := range p.Recipe.DatasetNames() {
		meta, err := report.Meta(p.Recipe, p.manifest.Plan, name, *p.result(recipe.Divide, name).Split, balanced)
		if err := p.describeIn(contract.MetaFile(name), meta, err); err != nil {
			return err
		}
	}
	if p.Recipe.EvaluationSplit() != "" {
		index, err := report.TestIndex(p.Recipe)
		if err := p.describeIn(contract.TestIndexFile, index, err); err != nil {
			return err
		}
	}
	info, err := report.Info(p.Recipe, p.manifest.Plan)
	if err := p.describeIn(contract.InfoFile, info, err); err != nil {
		return err
	}
	revision := report.Of(p.manifest)
	card, err := report.Card(revision)
	if err := p.describeIn(contract.CardFile, card, err); err != nil {
		return err
	}
	croissant, err := report.Croissant(revision)
	if err := p.describeIn(contract.CroissantFile, croissant, err); err != nil {
		return err
	}
	page, err := report.HTML(revision)
	return p.describeIn(contract.ReportFile, page, err)
}

func (p *publisher) describeIn(name string, content []byte, err error) error {
	if err != nil {
		return err
	}
	return p.write(name, content)
}

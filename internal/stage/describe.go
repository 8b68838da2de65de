package stage

import (
	"github.com/datasetmix/datasetmix/internal/report"
	"github.com/datasetmix/datasetmix/internal/report/page"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// describe writes what people and training code read besides the rows: first what describes the rows, then what lists all files.
func (p *publisher) describe() error {
	for _, pages := range []func(revision.Manifest) ([]report.Page, error){report.Beside, report.Pages} {
		made, err := pages(p.manifest)
		if err != nil {
			return err
		}
		for _, page := range made {
			if err := p.write(page.Path, page.Content); err != nil {
				return err
			}
		}
	}
	if p.job.recipe.Output.Layout == "" {
		return nil
	}
	content, err := page.HTML(p.manifest, p.about)
	if err != nil {
		return err
	}
	return p.write(revision.ReportFile, content)
}

package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/plan"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/revision"
)

// Info returns the content of mixed/info.json: every key that scripts for the six data sets read, with its type, and further keys. Shares in it are
// measured in rows, whatever the unit of the mix.
func Info(r recipe.Recipe, plan plan.Plan) ([]byte, error) {
	info := object{
		{"split_ratio", splitRatio(r.Splits)},
		{"domain_intra_balance", balances(r.Domains)},
		{"cross_domain_ratio", fmt.Sprintf("%s (%s)", joinDomains(r, func(d recipe.Domain) string { return strconv.FormatInt(d.Share, 10) }),
			joinDomains(r, func(d recipe.Domain) string { return d.Name }))},
	}
	for _, split := range plan.Splits {
		info = append(info, member{"total_" + split.Name, split.Rows})
	}
	for _, split := range plan.Splits {
		distribution := object{}
		for _, domain := range split.Domains {
			distribution = append(distribution, member{domain.Name, domain.Rows})
		}
		info = append(info, member{"domain_distribution_" + split.Name, distribution})
	}
	for _, domain := range plan.Splits[0].Domains {
		info = append(info, member{domain.Name + "_pct", percent(domain.Rows, plan.Splits[0].Rows)})
	}
	info = append(info, member{"seed", r.Seed}, member{"order", r.Order}, member{"plan", plan.Splits})
	return revision.EncodeJSON(append(info, mixedFilesOf(r)...))
}

// mixedFilesOf returns the format, and the files of each split. It returns nil for a mix with one plain file per split: scripts expect its names, and its
// info.json has had the same bytes since before there were other formats.
func mixedFilesOf(r recipe.Recipe) object {
	if r.Output.Shards <= 1 && r.Output.Format == recipe.JSONL {
		return nil
	}
	files := map[string][]string{}
	for _, shard := range r.Shards() {
		files[shard.Split] = append(files[shard.Split], revision.MixedFile(shard, r.Output.Format))
	}
	listed := object{}
	for _, split := range r.Splits {
		listed = append(listed, member{split.Name, files[split.Name]})
	}
	return object{{"format", r.Output.Format}, {"files", listed}}
}

// percent returns a percentage with one decimal, which scripts expect.
func percent(part, whole int64) decimal {
	tenths := (part*2000 + whole) / (2 * whole)
	return decimal(fmt.Sprintf("%d.%d", tenths/10, tenths%10))
}

func splitRatio(splits []recipe.Split) string {
	var shares, names, percents []string
	var sum int64
	for _, split := range splits {
		sum += split.Share
	}
	for _, split := range splits {
		shares = append(shares, strconv.FormatInt(split.Share, 10))
		names = append(names, split.Name)
		percents = append(percents, string(percent(split.Share, sum))+"%")
	}
	return fmt.Sprintf("%s (%s = %s)", strings.Join(shares, ":"), strings.Join(names, ":"), strings.Join(percents, ":"))
}

func joinDomains(r recipe.Recipe, text func(recipe.Domain) string) string {
	var parts []string
	for _, domain := range r.Domains {
		parts = append(parts, text(domain))
	}
	return strings.Join(parts, ":")
}

// balances returns "50:50 per domain" if all domains have the same balance, else the balance of each domain by name.
func balances(domains []recipe.Domain) string {
	var each, named []string
	for _, domain := range domains {
		text := balanceText(domain)
		each = append(each, text)
		named = append(named, domain.Name+" "+text)
	}
	if len(slices.Compact(slices.Clone(each))) == 1 {
		return each[0] + " per domain"
	}
	return strings.Join(named, ", ")
}

func balanceText(domain recipe.Domain) string {
	var parts []string
	for _, dataset := range domain.Datasets {
		switch {
		case domain.Balance == recipe.None:
			return "as they are"
		case domain.Balance == recipe.Shares:
			parts = append(parts, strconv.FormatInt(dataset.Share, 10))
		case len(domain.Datasets) == 2:
			parts = append(parts, "50")
		default:
			parts = append(parts, "1")
		}
	}
	return strings.Join(parts, ":")
}

// Meta returns the content of a data set's meta.json: its rows per split, the rows in no split by reason, the rows that were dropped because a later split
// has the same question, the split the same row, or a later split nearly the same question, and the rows whose question another row has, written in
// another way. Counts that the recipe does not ask for are absent.
func Meta(r recipe.Recipe, summary pipeline.Summary, dataset string, divided pipeline.SplitResult) ([]byte, error) {
	_, domain, _ := r.Dataset(dataset)
	meta := object{{"dataset", dataset}, {"domain", domain.Name}, {"seed", r.Seed}, {"split_ratio", splitRatio(r.Splits)}, {"total", divided.Read}}
	place := slices.Index(summary.Names, dataset)
	for s, split := range summary.Plan.Splits {
		meta = append(meta, member{split.Name, *summary.Dataset(s, place).Available})
	}
	if divided.DroppedRows() > 0 {
		meta = append(meta, member{"left_out", divided.Dropped})
	}
	for _, count := range []struct {
		name string
		of   func(pipeline.Counts) *int64
	}{
		{"overlap_dropped", func(c pipeline.Counts) *int64 { return c.Overlap }},
		{"variants", func(c pipeline.Counts) *int64 { return c.Variants }},
		{"duplicates_dropped", func(c pipeline.Counts) *int64 { return c.Duplicates }},
		{"near_duplicates_dropped", func(c pipeline.Counts) *int64 { return c.NearDuplicates }},
	} {
		var rows object
		for s, split := range summary.Plan.Splits {
			if n := count.of(summary.Dataset(s, place)); n != nil {
				rows = append(rows, member{split.Name, *n})
			}
		}
		if rows != nil {
			meta = append(meta, member{count.name, rows})
		}
	}
	return revision.EncodeJSON(meta)
}

// testIndex returns the content of test/test_index.json: for each data set, in the order of the manifest, the file that evaluates it alone, relative to
// the revision's folder.
func testIndex(r recipe.Recipe) ([]byte, error) {
	index := object{}
	for _, domain := range r.Domains {
		for _, dataset := range domain.Datasets {
			index = append(index, member{dataset.Name, revision.TestFile(dataset.Name, r.EvaluationSplit())})
		}
	}
	return revision.EncodeJSON(index)
}

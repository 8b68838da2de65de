package recipe

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// enumerations are the values of every type of the recipe that has only some. Those of a plain field are found by its enum tag.
var enumerations = map[string][]string{
	"SizePolicy":      {string(KeepTotal), string(SmallestPool), string(NoRepeat), string(ExactRows)},
	"Balance":         {string(Largest), string(Smallest), string(None), string(Shares)},
	"Answers":         {string(RequiredAnswers), string(OptionalAnswers)},
	"Scorer":          {string(NumericScorer), string(FormulaScorer), string(TextScorer), string(NoAnswerTextScorer), string(YesNoTextScorer), string(CodeScorer)},
	"OnBadRow":        {string(FailOnBadRow), string(SkipBadRow)},
	"NonFinite":       {string(BadNonFinite), string(NullNonFinite)},
	"Quote":           {string(DoubleQuote), string(NoQuote)},
	"Addressing":      {string(AddressPath), string(AddressVirtualHost)},
	"Access":          {string(AccessAnonymous), string(AccessSecret), string(AccessWorkloadIdentity)},
	"RegistryScheme":  {"HTTPS", "HTTP"},
	"Order":           {string(Shuffled), string(Interleaved)},
	"Format":          {string(JSONL), string(JSONLZstd), string(JSONLGzip), string(Parquet)},
	"ExportFormat":    {string(ExportRL), string(ExportSFT), string(ExportPreference), string(ExportText)},
	"Resample":        {string(Passes), string(WithReplacement)},
	"ShareUnit":       {string(InRows), string(InBytes), string(InTokens)},
	"Encoding":        {"o200k_base", "cl100k_base"},
	"Duplicates":      {string(KeepDuplicates), string(DropDuplicates)},
	"UnknownLicenses": {string(RefuseUnknown), string(AllowUnknown)},
	"RevisionPart":    {string(RawPart), string(ProcessedPart), string(MixedPart), string(TestPart)},
}

// rules are the versions of rules that a recipe may name, by the types or the enum tags of the fields. The API has none of them.
var rules = map[string][]string{"RecordRule": {RecordRule}, "Comparison": {string(CompareQuestionV1)}, "WordRule": {string(WordsV1)}, "LayoutRule": {LayoutRule}}

// Enumerations returns the values of each type that the API bounds to some, by the type's name there.
func Enumerations() map[string][]string { return enumerations }

// Bounds of a recipe, which are those of the API. A recipe beyond them was not made by this operator, and could cost much time.
const (
	maxSplits   = 8
	maxDomains  = 16
	maxDatasets = 32 // of a domain
	maxProbes   = 16
	maxShards   = 1024
	maxKept     = 16 // of a record
	maxTexts    = 8  // of a record
	maxColumns  = 256
	maxLicenses = 64
	maxName     = 40
	maxRowsSize = 10_000_000_000
	maxOften    = 1_000_000
)

// pathPattern is that of the mix's folder. The rest of a volume's folders begin with a dot.
var pathPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$`)

var namePattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// Validate reports what no schema would let pass: a value that its field does not have, a name or a number out of bounds. Recipes
// travel through tasks and manifests, which another release may have written, or anybody.
func (r Recipe) Validate() error {
	if err := judgeValues("", reflect.ValueOf(r)); err != nil {
		return err
	}
	for _, judge := range []func(Recipe) error{judgeNames, judgeShares, judgeSources, judgeRecords, judgeTables, judgeNumbers, judgeExports, judgePolicy, judgeKeep} {
		if err := judge(r); err != nil {
			return err
		}
	}
	return nil
}

// judgeValues looks for values that their types do not have, field by field. Empty is a value of a field that may be left out.
func judgeValues(path string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return judgeValues(path, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := judgeValues(fmt.Sprintf("%s[%d]", path, i), v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if err := judgeField(path, v.Type().Field(i), v.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func judgeField(path string, field reflect.StructField, v reflect.Value) error {
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	path = strings.TrimPrefix(path+"."+name, ".")
	values, ok := valuesOf(field)
	if !ok {
		return judgeValues(path, v)
	}
	if v.String() == "" && strings.HasPrefix(options, "omit") || slices.Contains(values, v.String()) {
		return nil
	}
	return fmt.Errorf("%s is %q, and this release knows %s", path, v.String(), strings.Join(values, ", "))
}

// valuesOf returns the values of a field, if it has only some. A type of strings that is in no table has none.
func valuesOf(field reflect.StructField) ([]string, bool) {
	if name, ok := field.Tag.Lookup("enum"); ok {
		return slices.Concat(enumerations[name], rules[name]), true
	}
	if field.Type.Kind() != reflect.String || field.Type.PkgPath() == "" {
		return nil, false
	}
	name := field.Type.Name()
	return slices.Concat(enumerations[name], rules[name]), true
}

// judgeNames checks that names are made of few characters, since they become names of files, and stand for one thing each.
func judgeNames(r Recipe) error {
	var splits, domains, sources []string
	for _, split := range r.Splits {
		splits = append(splits, split.Name)
	}
	for _, domain := range r.Domains {
		domains = append(domains, domain.Name)
		if err := asManyAs("data sets", len(domain.Datasets), 1, maxDatasets); err != nil {
			return fmt.Errorf("domain %q has %w", domain.Name, err)
		}
	}
	for _, source := range r.Sources() {
		sources = append(sources, source.Name)
	}
	if err := errors.Join(
		asManyAs("splits", len(splits), 1, maxSplits), asManyAs("domains", len(domains), 1, maxDomains), asManyAs("probes", len(r.Probes()), 0, maxProbes),
	); err != nil {
		return fmt.Errorf("the recipe has %w", err)
	}
	if !named(r.Name, 253) && !namedInParts(r.Name) {
		return fmt.Errorf("the mix is called %q, which no mix can be", r.Name)
	}
	if folder := r.Output.Path; folder != "" && (len(folder) > 253 || !pathPattern.MatchString(folder)) {
		return fmt.Errorf("output.path is %q, which is not a folder below the volume's root", folder)
	}
	return errors.Join(eachNamed("split", splits), eachNamed("domain", domains), eachNamed("data set or probe", sources))
}

func asManyAs(what string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%d %s, and there are %d to %d of them", n, what, least, most)
	}
	return nil
}

// IsName reports whether a text can be the name of a split, a domain, a data set or a probe. It becomes one of files.
func IsName(text string) bool { return named(text, maxName) }

func named(name string, most int) bool { return len(name) <= most && namePattern.MatchString(name) }

// namedInParts reports whether a text is the name of an object, which may have dots.
func namedInParts(name string) bool {
	return len(name) <= 253 && !slices.ContainsFunc(strings.Split(name, "."), func(part string) bool { return !named(part, 253) })
}

func eachNamed(what string, names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		switch {
		case !named(name, maxName):
			return fmt.Errorf("a %s is called %q, which none can be", what, name)
		case seen[name]:
			return fmt.Errorf("two %ss are called %s", what, name)
		}
		seen[name] = true
	}
	return nil
}

// judgeShares checks that every share is there, and no sum of them is more than a manifest's can be.
func judgeShares(r Recipe) error {
	var splits, domains []int64
	for _, split := range r.Splits {
		splits = append(splits, split.Share)
	}
	for _, domain := range r.Domains {
		domains = append(domains, domain.Share)
		var datasets []int64
		for _, dataset := range domain.Datasets {
			datasets = append(datasets, dataset.Share)
		}
		if domain.Balance != Shares {
			if slices.Max(datasets) != 0 || slices.Min(datasets) != 0 {
				return fmt.Errorf("domain %s has the balance %s, and a data set with a share", domain.Name, domain.Balance)
			}
			continue
		}
		if err := sharesOf("data sets of domain "+domain.Name, datasets); err != nil {
			return err
		}
	}
	return errors.Join(sharesOf("splits", splits), sharesOf("domains", domains))
}

func sharesOf(what string, shares []int64) error {
	var sum int64
	for _, share := range shares {
		if share < 1 || share > maxShareSum {
			return fmt.Errorf("the %s have a share of %d; each is from 1 to %d", what, share, maxShareSum)
		}
		sum += share
	}
	if sum > maxShareSum {
		return fmt.Errorf("the shares of the %s come to %d, and to %d at most", what, sum, maxShareSum)
	}
	return nil
}

// judgeSources checks that each source is of one kind, and digests are digests.
func judgeSources(r Recipe) error {
	digest := func(of, value string) error {
		if value != "" && !IsHex(value, 64) {
			return fmt.Errorf("%s has the SHA-256 %q, which is not 64 hexadecimal digits", of, value)
		}
		return nil
	}
	for _, source := range r.Sources() {
		of, kinds, digests := source.Source, 0, []error(nil)
		for _, there := range []bool{of.HuggingFace != nil, of.HTTP != nil, of.ObjectStore != nil, of.OCI != nil, of.Volume != nil} {
			if there {
				kinds++
			}
		}
		if kinds != 1 {
			return fmt.Errorf("the source of %s is of %d kinds, and has to be of one", source.Name, kinds)
		}
		if of.HTTP != nil {
			for _, file := range of.HTTP.URLs {
				digests = append(digests, digest("a file of "+source.Name, file.SHA256))
			}
		}
		if of.Expect != nil {
			digests = append(digests, digest("what is expected of "+source.Name, of.Expect.SHA256))
		}
		if err := errors.Join(digests...); err != nil {
			return err
		}
	}
	return digest("the tokenizer", r.Tokenizer.SHA256)
}

// number is one of a recipe, with its bounds.
type number struct {
	what           string
	n, least, most int64
}

// judgeNumbers checks that every number is within the API's bounds.
func judgeNumbers(r Recipe) error {
	for _, of := range slices.Concat(numbersOfOutput(r), numbersOfSources(r), numbersOfComparisons(r)) {
		if of.n < of.least || of.n > of.most {
			return fmt.Errorf("%s is %d, and can be %d to %d", of.what, of.n, of.least, of.most)
		}
	}
	return nil
}

func numbersOfOutput(r Recipe) []number {
	numbers := []number{
		{"maxRepeats", r.MaxRepeats, 0, maxOften}, {"output.shards", int64(r.Output.Shards), 0, maxShards},
		{"output.keepRevisions", int64(r.Output.KeepRevisions), 0, 100}, {"output.cacheSize", r.Output.CacheSize, 0, 1 << 60},
	}
	for _, split := range r.Splits {
		least, most := int64(0), int64(0)
		if split.Size.Policy == ExactRows {
			least, most = 1, maxRowsSize
		}
		numbers = append(numbers, number{"the size of split " + split.Name, split.Size.Rows, least, most})
	}
	return numbers
}

func numbersOfSources(r Recipe) []number {
	var numbers []number
	read := func(name string, read Read, expect *Expect) {
		numbers = append(numbers, number{"maxBadRows of " + name, read.MaxBadRows, 0, maxRowsSize})
		if expect != nil {
			numbers = append(numbers, number{"the rows expected of " + name, expect.Rows, 0, maxRowsSize})
		}
	}
	for _, domain := range r.Domains {
		for _, dataset := range domain.Datasets {
			read(dataset.Name, dataset.Read, dataset.Source.Expect)
		}
	}
	for _, probe := range r.Probes() {
		read(probe.Name, probe.Read, probe.Source.Expect)
	}
	return numbers
}

func numbersOfComparisons(r Recipe) []number {
	var numbers []number
	if n := r.NearDuplicates; n != nil {
		numbers = append(numbers, number{"nearDuplicates.n", int64(n.N), 1, 50}, number{"nearDuplicates.bands", int64(n.Bands), 1, 64},
			number{"nearDuplicates.rows", int64(n.Rows), 1, 32}, number{"nearDuplicates.percent", int64(n.Percent), 1, 100})
	}
	if r.Decontaminate != nil && r.Decontaminate.NGrams != nil {
		grams := r.Decontaminate.NGrams
		numbers = append(numbers, number{"decontaminate.ngrams.n", int64(grams.N), 1, 50}, number{"decontaminate.ngrams.percent", int64(grams.Percent), 1, 100})
	}
	return numbers
}

// judgeRecords checks that a member that is kept has a name that no member of every row has, and its list the order that names have.
func judgeRecords(r Recipe) error {
	for _, name := range r.DatasetNames() {
		dataset, _, _ := r.Dataset(name)
		for _, kept := range [][]string{dataset.Record.Keep, dataset.Record.KeepAsText} {
			own := slices.ContainsFunc(kept, func(member string) bool { return slices.Contains(OwnMembers, member) || member == "" })
			if own || !slices.IsSorted(kept) {
				return fmt.Errorf("the record of %s keeps %q: not sorted names of members, none of them %q", name, kept, OwnMembers)
			}
			if err := asManyAs("members that it keeps", len(kept), 0, maxKept); err != nil {
				return fmt.Errorf("the record of %s has %w", name, err)
			}
		}
		if err := asManyAs("expressions of texts to decontaminate", len(dataset.Record.Decontaminate), 0, maxTexts); err != nil {
			return fmt.Errorf("the record of %s has %w", name, err)
		}
	}
	return nil
}

// judgeTables checks that a table is delimited by one ASCII character that can stand between fields, and has no path.
func judgeTables(r Recipe) error {
	reads := map[string]Read{}
	for _, domain := range r.Domains {
		for _, dataset := range domain.Datasets {
			reads[dataset.Name] = dataset.Read
		}
	}
	for _, probe := range r.Probes() {
		reads[probe.Name] = probe.Read
	}
	for _, name := range slices.Sorted(maps.Keys(reads)) {
		t := reads[name].Table
		switch {
		case t == nil:
		case t.Delimiter != "" && (len(t.Delimiter) > 1 || t.Delimiter[0] > '~' || strings.ContainsAny(t.Delimiter, "\"\r\n\x00")):
			return fmt.Errorf("the table of %s has the delimiter %q, and needs one ASCII character that is no quotation mark and no line end", name, t.Delimiter)
		case len(t.Columns) > maxColumns:
			return fmt.Errorf("the table of %s has %d columns, and the most is %d", name, len(t.Columns), maxColumns)
		case reads[name].Path != "":
			return fmt.Errorf("%s is read as a table and by a path, which is for JSON documents", name)
		}
	}
	return nil
}

// Package recipe is a mix as plain data: what a DatasetMix asks for, judged, and without anything of Kubernetes.
//
// Everything here is a pure function of its arguments: the operator, the workers and the local build read the same recipe and come to the same
// keys. Imports: internal/mix and the standard library.
package recipe

// Recipe is a whole mix as plain data: what a DatasetMix means once its quantities are integers and its defaults are
// filled in. Lists keep the order of the manifest for people to read; no row and no key depends on the order of domains,
// data sets and probes.
//
// Fields documented with a default for empty must be left empty for it: a recipe that uses nothing newer than the first release is
// then encoded as it was then, and keeps its keys and published bytes.
type Recipe struct {
	// Name of the mix, as the published files have it.
	Name string `json:"name"`
	// Seed of every keyed order.
	Seed int64 `json:"seed"`
	// Splits in the order of declaration; a tie of the apportionment goes to the later one.
	Splits []Split `json:"splits"`
	// Domains in the order of declaration.
	Domains []Domain `json:"domains"`
	// Order of the rows of a mixed file.
	Order Order `json:"order"`
	// Resample is how a data set fills more rows than it has; empty is Passes.
	Resample Resample `json:"resample,omitempty"`
	// Unit is what shares are measured in; empty is InRows.
	Unit ShareUnit `json:"unit,omitempty"`
	// Tokenizer counts the tokens where Unit is InTokens; empty estimates them.
	Tokenizer Tokenizer `json:"tokenizer,omitzero"`
	// Compare is the rule by which two questions are equal; empty is CompareBytes.
	Compare Comparison `json:"compare,omitempty"`
	// Duplicates is what becomes of rows of one split with the same question and reference answer; empty is KeepDuplicates.
	Duplicates Duplicates `json:"duplicates,omitempty"`
	// Decontaminate names sources whose questions may be in no split; nil names none.
	Decontaminate *Decontaminate `json:"decontaminate,omitempty"`
	// NearDuplicates drops questions that are nearly those of a later split; nil drops none.
	NearDuplicates *NearDuplicates `json:"nearDuplicates,omitempty"`
	// MaxRepeats is how often one row may appear in a mixed split; 0 is no limit.
	MaxRepeats int64 `json:"maxRepeats,omitempty"`
	// Policy is what the mix may hold; nil allows everything.
	Policy *Policy `json:"policy,omitempty"`
	// Output is what is published, and where on the volume.
	Output Output `json:"output"`
}

// Split is one part of every data set's rows.
type Split struct {
	Name string `json:"name"`
	// Share of the rows, relative to the other splits' shares; divided by their greatest common divisor.
	Share int64 `json:"share"`
	Size  Size  `json:"size"`
}

// SizePolicy is the rule for the number of rows of a mixed split.
type SizePolicy string

// The size policies; Plan documents what each computes.
const (
	KeepTotal    SizePolicy = "KeepTotal"
	SmallestPool SizePolicy = "SmallestPool"
	NoRepeat     SizePolicy = "NoRepeat"
	ExactRows    SizePolicy = "Rows"
)

// Size is a size policy, with a number of rows if the policy is Rows.
type Size struct {
	Policy SizePolicy `json:"policy"`
	Rows   int64      `json:"rows,omitempty"`
}

// Balance is how the data sets of one domain are brought to a common pool.
type Balance string

// The balance rules; mix.Pools documents what each computes.
const (
	Largest  Balance = "Largest"
	Smallest Balance = "Smallest"
	None     Balance = "None"
	Shares   Balance = "Shares"
)

// Domain is a group of data sets that has one share of the mix.
type Domain struct {
	Name string `json:"name"`
	// Share of the mix, relative to the other domains' shares; divided by their greatest common divisor.
	Share    int64     `json:"share"`
	Balance  Balance   `json:"balance"`
	Datasets []Dataset `json:"datasets"`
}

// Dataset is one source of rows.
type Dataset struct {
	Name string `json:"name"`
	// Share within the domain where the balance is Shares, else 0.
	Share  int64  `json:"share,omitempty"`
	Source Source `json:"source"`
	// Read is how the files are read; empty for files that show it themselves.
	Read   Read   `json:"read,omitzero"`
	Record Record `json:"record"`
}

// Read is how a source's files are read.
type Read struct {
	// Path leads from the top of a JSON document to the list of its rows: names with dots. Empty is for every other file.
	Path string `json:"path,omitempty"`
	// Table is how tables are written; nil means that a file shows whether it is a table.
	Table *Table `json:"table,omitempty"`
	// NonFinite is what becomes of a row with a number that is read and not finite; empty makes it a bad row.
	NonFinite NonFinite `json:"nonFinite,omitempty"`
	// OnBadRow is what becomes of a row that cannot be read or mapped; empty is FailOnBadRow.
	OnBadRow OnBadRow `json:"onBadRow,omitempty"`
	// MaxBadRows is how many rows may be skipped; 0 is any number. Only with SkipBadRow.
	MaxBadRows int64 `json:"maxBadRows,omitempty"`
}

// Table is how a text of delimited fields is written. What is empty is found in the text.
type Table struct {
	// Delimiter is one ASCII character.
	Delimiter string `json:"delimiter,omitempty"`
	Quote     Quote  `json:"quote,omitempty"`
	// Columns are the names of a table without a header.
	Columns []string `json:"columns,omitempty"`
}

// Quote is the meaning of quotation marks in a table.
type Quote string

// Quotation marks may go around fields, or are text like any other.
const (
	DoubleQuote Quote = "Double"
	NoQuote     Quote = "None"
)

// NonFinite is what becomes of a number that is not finite.
type NonFinite string

// Such a number makes its row a bad one, the empty value in a recipe, or is read as null.
const (
	BadNonFinite  NonFinite = "BadRow"
	NullNonFinite NonFinite = "Null"
)

// OnBadRow is what becomes of a row that cannot be read or mapped.
type OnBadRow string

// A bad row fails the build, the empty value in a recipe, or is left out and counted.
const (
	FailOnBadRow OnBadRow = "Fail"
	SkipBadRow   OnBadRow = "Skip"
)

// Source is where a data set's files come from; exactly one field is set. Credentials are no part of it: they reach a
// worker as files, and the same bytes are the same data whoever fetched them.
type Source struct {
	HuggingFace *HuggingFace `json:"huggingFace,omitempty"`
	HTTP        *HTTP        `json:"http,omitempty"`
	ObjectStore *ObjectStore `json:"objectStore,omitempty"`
	OCI         *OCI         `json:"oci,omitempty"`
	Volume      *Volume      `json:"volume,omitempty"`
	// Names says that the rows depend on what the files are called, since the record uses the variable file; false is that they do
	// not.
	Names bool `json:"names,omitempty"`
	// Refresh names the request by which a floating source was last resolved anew; empty before the first. It is in the key of
	// the download, and in no other: what follows depends on what the download found.
	Refresh string `json:"refresh,omitempty"`
	// Expect is what the source has to hold; nil is anything. It is in no key.
	Expect *Expect `json:"expect,omitempty"`
}

// Expect is what a source has to hold, so that a source which holds something else is refused.
type Expect struct {
	// Rows of the source, before any is left out; 0 is any number.
	Rows int64 `json:"rows,omitempty"`
	// SHA256 is the digest of the download, in lower-case hex; empty is any.
	SHA256 string `json:"sha256,omitempty"`
}

// HuggingFace is a data set repository on a Hugging Face Hub.
type HuggingFace struct {
	// Repo is namespace/name.
	Repo string `json:"repo"`
	// Revision is a commit, branch or tag; empty is the default branch.
	Revision string `json:"revision,omitempty"`
	// Config and Split choose files by the repository's card, else by the usual layouts. No config is the default or only
	// one, no split is all of them.
	Config string `json:"config,omitempty"`
	Split  string `json:"split,omitempty"`
	// Files are globs over the repository's paths, and each must match; they take the place of Config and Split.
	Files []string `json:"files,omitempty"`
	// Endpoint of a mirror; empty is the worker's own (HF_ENDPOINT, else https://huggingface.co).
	Endpoint string `json:"endpoint,omitempty"`
}

// HTTP is a list of files by address.
type HTTP struct {
	URLs []HTTPFile `json:"urls"`
}

// HTTPFile is one file by address, with its lower-case hex SHA-256 where the manifest pins it.
type HTTPFile struct {
	URL    string `json:"url"`
	SHA256 string `json:"sha256,omitempty"`
}

// ObjectStore is the objects below a prefix of a bucket.
type ObjectStore struct {
	// URL is s3://, gs:// or azblob://, bucket or container, and optionally an object or a folder.
	URL string `json:"url"`
	// Files are globs below the folder, and each must match; empty takes the object itself if URL names one, else
	// every object below it whose name, and whose folders' names, begin with neither a dot nor an underscore.
	Files []string `json:"files,omitempty"`
	// Endpoint of the service; empty is the provider's own.
	Endpoint string `json:"endpoint,omitempty"`
	// Region of an S3 bucket; empty is us-east-1.
	Region string `json:"region,omitempty"`
	// Addressing of an S3 bucket; empty is AddressPath with an endpoint, else AddressVirtualHost.
	Addressing Addressing `json:"addressing,omitempty"`
	// Access is the identity by which the store is asked; empty is AccessAnonymous.
	Access Access `json:"access,omitempty"`
	// RoleARN is the role that a workload takes on; empty is the one that its environment names.
	RoleARN string `json:"roleARN,omitempty"`
}

// Addressing is the part of an address that has a bucket's name: the path or the host.
type Addressing string

// The two ways in which an S3 bucket is addressed.
const (
	AddressPath        Addressing = "Path"
	AddressVirtualHost Addressing = "VirtualHost"
)

// Access is the identity by which a store is asked for its objects.
type Access string

// The ways of access: without credentials, with those of a Secret, or with a token that says which workload asks.
const (
	AccessAnonymous        Access = "Anonymous"
	AccessSecret           Access = "Secret"
	AccessWorkloadIdentity Access = "WorkloadIdentity"
)

// OCI is an artifact in a registry.
type OCI struct {
	// Reference is registry/repository with :tag, @sha256:digest or both.
	Reference string `json:"reference"`
	// Files are globs over the titles of the artifact's layers, and each must match; empty is every one.
	Files []string `json:"files,omitempty"`
	// Scheme is HTTP for a registry without TLS, else empty.
	Scheme string `json:"scheme,omitempty" enum:"RegistryScheme"`
}

// Volume is a folder or file on another claim of the namespace.
type Volume struct {
	ClaimName string `json:"claimName"`
	// Path below the claim's root; empty is the root.
	Path string `json:"path,omitempty"`
	// Files are globs below Path, and each must match; empty takes Path itself if it is a file, else every file below
	// it whose name, and whose folders' names, begin with no dot.
	Files []string `json:"files,omitempty"`
}

// Record says how a source row becomes a unified record: by the expressions of a preset or by its own. An expression is
// CEL over the variable row; internal/mapping compiles it and documents the language. The whole of it is in the key of the
// data set's split.
type Record struct {
	// Preset is the version of one of Presets; empty where Question, ReferenceAnswer and AnswerType are set.
	Preset string `json:"preset,omitempty"`
	// Question, ReferenceAnswer and AnswerType are the expressions of the three parts of a record.
	Question        string `json:"question,omitempty"`
	ReferenceAnswer string `json:"referenceAnswer,omitempty"`
	AnswerType      string `json:"answerType,omitempty"`
	// Metadata in its order.
	Metadata []Metadata `json:"metadata,omitempty"`
	// Where is true for the rows to keep; empty keeps all. It may be set together with a preset, and so may GroupBy.
	Where string `json:"where,omitempty"`
	// GroupBy is the value that keeps rows together in one split if it is equal; empty is the question.
	GroupBy string `json:"groupBy,omitempty"`
	// Answers is whether a row must have a reference answer; empty requires one. It may be set together with a preset.
	Answers Answers `json:"answers,omitempty"`
	// Rule is the version of the rule by which rows become records, RecordRule in every recipe that is made now. Empty is that of
	// the releases before: a reference answer may be empty, a numeric one need be no number, and the members of objects in the metadata are sorted by name.
	Rule string `json:"rule,omitempty" enum:"RecordRule"`
	// Keep names members of the source's row that are published as they are behind those of every row; KeepWhole is the whole row. Sorted,
	// as their order means nothing; a preset's own are not among them.
	Keep []string `json:"keep,omitempty"`
	// KeepAsText names members that are published as texts. What is in both lists is text.
	KeepAsText []string `json:"keepAsText,omitempty"`
	// Decontaminate are expressions of further texts that are compared with the probes' questions.
	Decontaminate []string `json:"decontaminate,omitempty"`
	// Scorer says how an answer is compared with the reference answer; empty is the preset's, else that of the answer type. It
	// changes no row, so it is in no key but those of what carries it.
	Scorer Scorer `json:"scorer,omitempty"`
}

// RecordRule is the rule by which rows become records; docs/mapping.md has it.
const RecordRule = "record/v2"

// Answers reports whether the rows of a data set must have a reference answer.
type Answers string

// A row without a reference answer is a bad row, which is the empty value in a recipe, or is kept with an empty one.
const (
	RequiredAnswers Answers = "Required"
	OptionalAnswers Answers = "Optional"
)

// Metadata is one member of a record's metadata.
type Metadata struct {
	Name string `json:"name"`
	// Value is an expression.
	Value string `json:"value"`
}

// Order is the order of the rows of a mixed file.
type Order string

// The orders; mix.Weave documents both.
const (
	Shuffled    Order = "Shuffled"
	Interleaved Order = "Interleaved"
)

// Format of the published rows.
type Format string

// The formats of mixed files; internal/encode writes and reads them. All other files of rows are JSONL.
const (
	JSONL     Format = "JSONL"
	JSONLZstd Format = "JSONLZstd"
	JSONLGzip Format = "JSONLGzip"
	Parquet   Format = "Parquet"
)

// Extension returns how the name of a file of the format ends; that of JSONL for an unknown format.
func (f Format) Extension() string {
	switch f {
	case JSONLZstd:
		return ".jsonl.zst"
	case JSONLGzip:
		return ".jsonl.gz"
	case Parquet:
		return ".parquet"
	default:
		return ".jsonl"
	}
}

// Resample is how a data set fills more rows than it has.
type Resample string

// Passes, in a recipe the empty value, uses each row as often as any other, give or take one. WithReplacement draws each row anew (Python's
// random.choices), so some rows are never drawn.
const (
	Passes          Resample = "Passes"
	WithReplacement Resample = "WithReplacement"
)

// ShareUnit is what the shares of domains, and of data sets where the balance is Shares, are measured in.
type ShareUnit string

// InRows is the empty value in a recipe. InBytes and InTokens are those of a row's question and reference answer.
const (
	InRows   ShareUnit = "Rows"
	InBytes  ShareUnit = "Bytes"
	InTokens ShareUnit = "Tokens"
)

// Tokenizer counts tokens; at most one field is set. With none, they are estimated by the rule of internal/tokens.
type Tokenizer struct {
	// Encoding is o200k_base or cl100k_base.
	Encoding string `json:"encoding,omitempty" enum:"Encoding"`
	// File is the path of a tokenizer.json below the output volume's root, and SHA256 its digest in lower-case hex.
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// Comparison is the rule by which two questions are equal, so that both are in the same split. internal/dedup documents
// the rules. A rule never changes under its name: a better one gets a new name, and with it come new keys.
type Comparison string

// CompareBytes takes questions as they are: what recipes of before there was a rule mean. CompareQuestionV1 compares their form:
// compatibility, case, white space and invisible characters make no difference.
const (
	CompareBytes      Comparison = ""
	CompareQuestionV1 Comparison = "question/v1"
)

// WordRule is the rule by which the words of a question are found; internal/dedup documents the rules.
type WordRule string

// NormalizeV1 is what recipes of before the rule had a name mean. WordsV1 compares text in languages without spaces by characters.
const (
	NormalizeV1 WordRule = ""
	WordsV1     WordRule = "words/v1"
)

// Duplicates is what becomes of rows of one split, of any data sets, with the same question and reference answer.
type Duplicates string

// KeepDuplicates is the empty value in a recipe. DropDuplicates keeps one of them: that of the data set whose name sorts first, and there the first one in the split.
const (
	KeepDuplicates Duplicates = "Keep"
	DropDuplicates Duplicates = "Drop"
)

// Decontaminate names sources whose questions may be in no split. A row is dropped when its question has the words of one of
// theirs, or overlaps one.
type Decontaminate struct {
	// Against are the sources, with names that no data set has.
	Against []Probe `json:"against"`
	// NGrams drops rows that share n-grams of words with one of the questions; nil looks for equal questions alone.
	NGrams *NGrams `json:"ngrams,omitempty"`
	// Words is the rule by which words are found; empty is NormalizeV1.
	Words WordRule `json:"words,omitempty"`
}

// Probe is a source of questions that may be in no split.
type Probe struct {
	Name   string `json:"name"`
	Source Source `json:"source"`
	Read   Read   `json:"read,omitzero"`
	// Preset or Question says which text of a row is the question.
	Preset   string `json:"preset,omitempty"`
	Question string `json:"question,omitempty"`
}

// NGrams is an overlap of n-grams of words.
type NGrams struct {
	// N is the number of words.
	N int `json:"n"`
	// Percent of a row's n-grams that have to be those of the probes' questions for the row to be dropped.
	Percent int `json:"percent"`
}

// NearDuplicates finds questions that nearly are those of a later split by MinHash: signatures of Bands·Rows minima over
// n-grams of N words; questions that agree in one band are compared, and dropped from the earlier split where the share of
// equal minima is at least Percent.
type NearDuplicates struct {
	N       int `json:"n"`
	Bands   int `json:"bands"`
	Rows    int `json:"rows"`
	Percent int `json:"percent"`
	// Words is the rule by which words are found; empty is NormalizeV1.
	Words WordRule `json:"words,omitempty"`
}

// LayoutRule is the rule by which a revision is laid out: its pages say the types of what rows hold, and each configuration its
// revision; docs/format.md has it.
const LayoutRule = "layout/v2"

// Output is what is published and where.
type Output struct {
	// Path is the mix's folder below the volume's root.
	Path   string `json:"path"`
	Format Format `json:"format"`
	// Shards is the number of files per mixed split; 0 is one, without a number in its name. It is never 1.
	Shards int `json:"shards,omitempty"`
	// Exports are the mix in the shapes of trainers.
	Exports []Export `json:"exports,omitempty"`
	// Layout is the rule by which a revision's pages are written: LayoutRule in every recipe that is made now. Empty is that of the
	// releases before.
	Layout string `json:"layout,omitempty" enum:"LayoutRule"`
	// Keep is what a revision holds, in the order of RevisionParts; empty is all of it.
	Keep []RevisionPart `json:"keep,omitempty"`
	// KeepRevisions is how many published revisions stay on the volume, the newest included.
	KeepRevisions int `json:"keepRevisions"`
	// CacheSize is how many bytes of originals stay in the volume's cache once nothing needs them; 0 is no bound.
	CacheSize int64 `json:"cacheSize,omitempty"`
}

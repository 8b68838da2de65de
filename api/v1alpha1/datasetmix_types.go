package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DatasetMix is a training-data mix: rows of several data sets, split, balanced within domains and mixed in an exact
// ratio on a PersistentVolume. Every edit of the spec makes a new revision; a published revision never changes.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=datasetmixes,shortName=dmix,categories=all;datasetmix
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Stage",type=string,JSONPath=`.status.summary.stage`
// +kubebuilder:printcolumn:name="Progress",type=string,JSONPath=`.status.summary.progress`
// +kubebuilder:printcolumn:name="Train",type=integer,JSONPath=`.status.splits[?(@.name=="train")].rows`
// +kubebuilder:printcolumn:name="Test",type=integer,JSONPath=`.status.splits[?(@.name=="test")].rows`
// +kubebuilder:printcolumn:name="Domains",type=string,JSONPath=`.status.summary.domains`
// +kubebuilder:printcolumn:name="Percent",type=integer,priority=1,JSONPath=`.status.summary.percent`
// +kubebuilder:printcolumn:name="Estimate",type=string,priority=1,JSONPath=`.status.summary.estimatedCompletionTime`
// +kubebuilder:printcolumn:name="Revision",type=string,priority=1,JSONPath=`.status.published.revision`
// +kubebuilder:printcolumn:name="Claim",type=string,priority=1,JSONPath=`.status.published.claimName`
// +kubebuilder:printcolumn:name="Suspended",type=boolean,priority=1,JSONPath=`.spec.suspend`
// +kubebuilder:printcolumn:name="Status",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40 && !self.metadata.name.contains('.')",message="The name of a DatasetMix must be at most 40 characters long and contain no dot, so that the names of its Jobs and pods fit."
type DatasetMix struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata. The name has at most 40 characters and no dots.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the desired mix. All of it can be edited except the output's volume.
	//
	// +required
	Spec DatasetMixSpec `json:"spec,omitzero"`

	// status is the observed state. The controller computes it anew on every pass.
	//
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status DatasetMixStatus `json:"status,omitzero"`
}

// DatasetMixList is a list of DatasetMixes.
//
// +kubebuilder:object:root=true
type DatasetMixList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items of the list.
	Items []DatasetMix `json:"items"`
}

// DatasetMixSpec is the desired mix.
//
// +kubebuilder:validation:XValidation:rule="!has(self.tokenizer) || (has(self.unit) && self.unit == 'Tokens')",message="A tokenizer must be set only with the unit Tokens."
// +kubebuilder:validation:XValidation:rule="!has(self.resample) || self.resample != 'WithReplacement' || !has(self.limits) || !has(self.limits.maxRepeats)",message="The limit maxRepeats must not be set with the resample WithReplacement, where the draws decide how often a row appears."
// +kubebuilder:validation:XValidation:rule="!has(self.resample) || self.resample != 'WithReplacement' || !self.splits.exists(s, s.size.policy == 'NoRepeat')",message="No split may have the size NoRepeat with the resample WithReplacement, which repeats rows by chance."
// +kubebuilder:validation:XValidation:rule="!has(self.decontaminate) || self.decontaminate.against.all(p, !self.domains.exists(d, d.datasets.exists(s, s.name == p.name)))",message="No source to decontaminate against may have the name of a data set."
// +kubebuilder:validation:XValidation:rule="!has(self.output.shards) || self.output.shards * self.splits.size() * (1 + (has(self.output.exports) ? self.output.exports.size() : 0)) <= 2048",message="A mix must have at most 2048 mixed and exported files: the number of splits times the shards, once for the mix and once for each export."
// +kubebuilder:validation:XValidation:rule="!has(self.output.shards) || !((has(self.unit) && self.unit != 'Rows') || (has(self.resample) && self.resample == 'WithReplacement')) || self.output.shards * self.splits.size() * self.domains.map(d, d.datasets.size()).sum() <= 8192",message="With the unit Bytes or Tokens, or the resample WithReplacement, the number of splits times the shards times the data sets must be at most 8192, since each mixed file reports on each data set."
// +kubebuilder:validation:XValidation:rule="self.domains.map(d, d.datasets.size()).sum() <= 64",message="A mix must have at most 64 data sets over all domains."
// +kubebuilder:validation:XValidation:rule="self.domains.all(d, d.datasets.all(s, self.domains.filter(e, e.datasets.exists(t, t.name == s.name)).size() == 1))",message="The names of data sets must be unique over all domains."
type DatasetMixSpec struct {
	// seed of every order and every choice of rows. The same spec, seed and source bytes yield the same output bytes.
	// Another seed yields another split and another order.
	//
	// +required
	Seed *int64 `json:"seed,omitempty"`

	// splits are the parts into which the rows of each data set are divided, before anything is balanced, repeated or
	// mixed. Rows with the same question are always in the same part. Each split becomes one mixed file. At least 1, at
	// most 8. Their order matters for a row that is left over: it goes to the later split.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Splits []Split `json:"splits,omitempty"`

	// domains are the groups of data sets that are mixed in the ratio of their shares. At least 1, at most 16. Their order
	// does not matter.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Domains []Domain `json:"domains,omitempty"`

	// order of the rows of each mixed file. Unset is Shuffled.
	//
	// +optional
	Order Order `json:"order,omitempty"`

	// resample defines how a data set contributes more rows to a mixed split than it has: Passes (each row as often as any other, give
	// or take one) or WithReplacement (each row is drawn anew, so some are never drawn and some more often; status.datasets
	// counts both). Unset is Passes.
	//
	// +optional
	Resample Resample `json:"resample,omitempty"`

	// unit of the shares of domains, and of the shares of data sets if the balance is Shares: Rows, or the Bytes or Tokens of the
	// rows' questions and reference answers. The sizes of splits are always in rows. Unset is Rows.
	//
	// +optional
	Unit ShareUnit `json:"unit,omitempty"`

	// tokenizer counts the tokens, with the unit Tokens only. Unset estimates their number from the text, which is faster and also
	// reproducible.
	//
	// +optional
	Tokenizer *Tokenizer `json:"tokenizer,omitempty"`

	// compare defines when two questions are the same: Normalized (Unicode's compatibility form, case, white space and invisible
	// characters make no difference) or Exact (every byte is the same). The same question is never in two splits. The rule applies to
	// the default group of rows, overlaps of splits, duplicates and the proof. Unset is Normalized.
	//
	// +optional
	Compare Compare `json:"compare,omitempty"`

	// duplicates defines the handling of rows of one split, in any data sets, with the same question by the rule of compare and the
	// same reference answer to the byte: Keep, or Drop (only the first row of the data set whose name sorts first remains). Unset is
	// Keep.
	//
	// +optional
	Duplicates Duplicates `json:"duplicates,omitempty"`

	// nearDuplicates drops the rows of a split whose question is nearly the same as that of a row of a later split. Unset drops only
	// rows with the same question.
	//
	// +optional
	NearDuplicates *NearDuplicates `json:"nearDuplicates,omitempty"`

	// decontaminate names sources, such as benchmarks, whose questions may be in no split. Unset names none.
	//
	// +optional
	Decontaminate *Decontaminate `json:"decontaminate,omitempty"`

	// limits of the mix. A mix that exceeds one is not built and stalls with the reason InfeasibleMix. Unset sets no limits.
	//
	// +optional
	Limits *Limits `json:"limits,omitempty"`

	// policy defines which data sets the mix may have. If it refuses one, the mix is not built and stalls with the reason
	// LicenseRefused. An edit of the policy builds nothing again. Unset allows all.
	//
	// +optional
	Policy *Policy `json:"policy,omitempty"`

	// refresh defines when sources whose content may change under the same name (a branch, an address without a digest, a
	// folder) are checked again. If their content is the same, nothing is built. Unset checks only when the annotation
	// data.datasetmix.io/requestedAt changes.
	//
	// +optional
	Refresh *Refresh `json:"refresh,omitempty"`

	// output defines what is published, and where.
	//
	// +required
	Output Output `json:"output,omitzero"`

	// worker has the settings of the pods that build the mix. Unset has the defaults of its fields. No field changes the output, so an
	// edit does not build anything again.
	//
	// +optional
	Worker *Worker `json:"worker,omitempty"`

	// suspend stops the build when true: no Job is created, and a running one is deleted with its pods; finished results remain on the
	// volume. False continues the build. Unset is false.
	//
	// +optional
	Suspend *bool `json:"suspend,omitempty"`
}

// Policy defines which data sets a mix may have.
//
// +kubebuilder:validation:XValidation:rule="self.licenses.all(l, l.lowerAscii() != 'unknown')",message="The licenses of a policy must not have unknown, which is no license: set unknownLicenses to Allow."
type Policy struct {
	// licenses that the sources of data sets may have, as identifiers of the Hub or SPDX (apache-2.0, CC-BY-SA-4.0); case makes no
	// difference. All licenses of a source must be listed, or one of those that OR joins. At least 1, at most 64.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=100
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z0-9][A-Za-z0-9.+_ ()-]*$`
	Licenses []string `json:"licenses,omitempty"`

	// unknownLicenses defines whether to refuse a data set whose source names no license: Refuse or Allow. Files on a claim, in an
	// object store or at an address never name one. Unset is Refuse.
	//
	// +optional
	UnknownLicenses UnknownLicenses `json:"unknownLicenses,omitempty"`
}

// UnknownLicenses defines whether to refuse a data set whose source names no license.
//
// +kubebuilder:validation:Enum=Refuse;Allow
type UnknownLicenses string

// The values of unknownLicenses.
const (
	UnknownLicensesRefuse UnknownLicenses = "Refuse"
	UnknownLicensesAllow  UnknownLicenses = "Allow"
)

// Refresh defines when sources are checked again.
//
// +kubebuilder:validation:MinProperties=1
type Refresh struct {
	// everySeconds is the number of seconds between two checks. A check waits while a build is running. At least 60, at most 31536000
	// (a year).
	//
	// +required
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=31536000
	EverySeconds int32 `json:"everySeconds,omitempty"`
}

// Split is one part of every data set's rows.
//
// +kubebuilder:validation:XValidation:rule="quantity(string(self.share)).isGreaterThan(quantity('0')) && quantity(string(self.share)).compareTo(quantity('1000000')) <= 0",message="The share of a split must be greater than 0 and at most 1000000."
type Split struct {
	// name of the split, for example train. It is part of the names of files.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// share of the rows of each data set, relative to the other splits' shares: 5 and 1, "0.5" and "0.1", or 500 and 100
	// mean the same. Greater than 0, at most 1000000, at most 9 decimals.
	//
	// +required
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=20
	Share resource.Quantity `json:"share,omitzero"`

	// size defines how many rows the mixed split has.
	//
	// +required
	Size Size `json:"size,omitzero"`
}

// SizePolicy defines how many rows a mixed split has.
//
// +kubebuilder:validation:Enum=KeepTotal;SmallestPool;NoRepeat;Rows
type SizePolicy string

// The size policies.
const (
	// SizeKeepTotal is the sum of the split's rows over all data sets; scarce domains repeat.
	SizeKeepTotal SizePolicy = "KeepTotal"
	// SizeSmallestPool is the largest total for which no domain needs more than its balanced pool: only rows that balancing
	// repeats are repeated.
	SizeSmallestPool SizePolicy = "SmallestPool"
	// SizeNoRepeat is the largest total in which no row appears twice.
	SizeNoRepeat SizePolicy = "NoRepeat"
	// SizeRows is exactly the number in rows.
	SizeRows SizePolicy = "Rows"
)

// Size defines how many rows a mixed split has.
//
// +kubebuilder:validation:XValidation:rule="has(self.rows) == (self.policy == 'Rows')",message="A size must have rows if its policy is Rows, and must not otherwise."
type Size struct {
	// policy is one of KeepTotal (as many rows as the split has over all data sets; scarce domains repeat), SmallestPool
	// (the largest total for which no domain needs more than its balanced pool), NoRepeat (the largest total in which no
	// row appears twice) and Rows (exactly rows).
	//
	// +required
	Policy SizePolicy `json:"policy,omitempty"`

	// rows is the number of rows, with the policy Rows only. At least 1, at most 10,000,000,000.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000000000
	Rows int64 `json:"rows,omitempty"`
}

// Balance defines how the data sets of one domain are balanced.
//
// +kubebuilder:validation:Enum=Largest;Smallest;None;Shares
type Balance string

// The balance rules.
const (
	// BalanceLargest repeats rows of every data set until each has as many as the largest.
	BalanceLargest Balance = "Largest"
	// BalanceSmallest takes as many rows of every data set as the smallest has.
	BalanceSmallest Balance = "Smallest"
	// BalanceNone takes all rows of every data set once.
	BalanceNone Balance = "None"
	// BalanceShares follows the data sets' own shares.
	BalanceShares Balance = "Shares"
)

// Domain is a group of data sets that has one share of the mix.
//
// +kubebuilder:validation:XValidation:rule="quantity(string(self.share)).isGreaterThan(quantity('0')) && quantity(string(self.share)).compareTo(quantity('1000000')) <= 0",message="The share of a domain must be greater than 0 and at most 1000000."
// +kubebuilder:validation:XValidation:rule="self.datasets.all(s, has(s.share) == (has(self.balance) && self.balance == 'Shares'))",message="Every data set of a domain must have a share if the domain's balance is Shares, and none must otherwise."
type Domain struct {
	// name of the domain, for example math. It is part of the names of folders.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// share of each mixed file, relative to the other domains' shares: 4, 3 and 3, or "0.4", "0.3" and "0.3" mean the
	// same. Greater than 0, at most 1000000, at most 9 decimals.
	//
	// +required
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=20
	Share resource.Quantity `json:"share,omitzero"`

	// balance defines how the data sets of the domain are balanced: Largest (repeat rows of every data set until each
	// has as many as the largest), Smallest (take as many of each as the smallest has), None (take all rows of each once) or
	// Shares (follow the data sets' own shares). Unset is Largest.
	//
	// +optional
	Balance Balance `json:"balance,omitempty"`

	// datasets of the domain. At least 1, at most 32, and at most 64 over all domains. Their order does not matter.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Datasets []Dataset `json:"datasets,omitempty"`
}

// Dataset is one source of rows.
//
// +kubebuilder:validation:XValidation:rule="!has(self.share) || (quantity(string(self.share)).isGreaterThan(quantity('0')) && quantity(string(self.share)).compareTo(quantity('1000000')) <= 0)",message="The share of a data set must be greater than 0 and at most 1000000."
type Dataset struct {
	// name of the data set, unique over all domains of the mix. It is part of the names of files and of every row's id, and
	// the name under which its rows are counted. Which rows are chosen does not depend on it.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// share of the domain's rows, relative to the other data sets' shares, if the domain's balance is Shares; unset
	// otherwise. Greater than 0, at most 1000000, at most 9 decimals.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=20
	Share *resource.Quantity `json:"share,omitempty"`

	// source defines where the data set's files come from.
	//
	// +required
	Source Source `json:"source,omitzero"`

	// read defines how the files are read. Unset detects it from their content, and fails on a row that cannot be read.
	//
	// +optional
	Read *Read `json:"read,omitempty"`

	// record defines how a row of the source becomes a record of the mix.
	//
	// +required
	Record Record `json:"record,omitzero"`
}

// Preset is the name of a mapping from the rows of a well-known data set.
//
// +kubebuilder:validation:Enum=gsm8k;math;squad2;hotpotqa;hotpotqa-context;humaneval;mbpp;messages;sharegpt;preference;alpaca;text;verl
type Preset string

// Expression is an expression in CEL, the Common Expression Language, over the variable row, which holds the fields of a row
// of the source, and the variable file, which describes the file that the row is in; docs/mapping.md has the language.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=1024
type Expression string

// Record defines how a row of the source becomes a record of the mix: by a preset, or by its own expressions, which are
// question, referenceAnswer, answerType and, if wanted, metadata. An expression that does not compile stalls the mix
// before anything is built, and the message names the place and the cause.
//
// +kubebuilder:validation:XValidation:rule="has(self.preset) != has(self.question)",message="A record must have exactly one of preset and question."
// +kubebuilder:validation:XValidation:rule="has(self.question) == has(self.referenceAnswer) && has(self.question) == has(self.answerType)",message="The question, the referenceAnswer and the answerType of a record must be set together."
// +kubebuilder:validation:XValidation:rule="!has(self.metadata) || !has(self.preset)",message="A record with a preset must not have metadata: the preset has its own."
// +kubebuilder:validation:MinProperties=1
type Record struct {
	// preset names a mapping for a well-known data set (gsm8k, math, squad2, hotpotqa, hotpotqa-context, humaneval or mbpp) or for
	// rows of a common shape (messages, sharegpt, preference, alpaca, text or verl); docs/presets.md has their expressions. Unset
	// where the record has its own expressions.
	//
	// +optional
	Preset Preset `json:"preset,omitempty"`

	// question is the expression of the whole prompt, a string that is not empty, for example
	// row.context + "\n\n" + row.question. 1 to 1024 characters. Unset with a preset.
	//
	// +optional
	Question Expression `json:"question,omitempty"`

	// referenceAnswer is the expression of the correct answer, a string, or a number, which is written with the digits of the
	// source; for example row.solution.boxed(). 1 to 1024 characters. Unset with a preset.
	//
	// +optional
	ReferenceAnswer Expression `json:"referenceAnswer,omitempty"`

	// answerType defines how an evaluator compares an answer with the reference answer: numeric, text or code, or an
	// expression that returns one of the three. 1 to 1024 characters. Unset with a preset.
	//
	// +optional
	AnswerType Expression `json:"answerType,omitempty"`

	// metadata is kept with the record, in this order, after the source and the original id. At most 16 members. Unset keeps
	// nothing else; it must be unset with a preset.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Metadata []Metadata `json:"metadata,omitempty"`

	// where is the expression that decides whether a row is kept, a bool, for example row.level != "Level 1". A row that is not kept is
	// counted as dropped. It may be set with a preset. 1 to 1024 characters. Unset keeps every row.
	//
	// +optional
	Where Expression `json:"where,omitempty"`

	// groupBy is the expression of a string or number by which rows belong together: rows with the same value stay on one
	// side of a split, for example row.title. Values are the same if every byte is. A row for which it is empty or absent
	// belongs with the rows that have the same question by the rule of spec.compare. It may be set with a preset. 1 to 1024
	// characters. Unset groups by the question.
	//
	// +optional
	GroupBy Expression `json:"groupBy,omitempty"`

	// answers defines whether a row must have a reference answer: Required (a row without one, or with only white space, is a bad row,
	// which read.onBadRow handles) or Optional (such a row is kept, with an empty answer). For rows that never have an answer, such as
	// plain text, set the referenceAnswer to "" in quotes instead. It may be set with a preset. Unset is Required, or the
	// preset's.
	//
	// +optional
	Answers Answers `json:"answers,omitempty"`

	// keep names members of the source's row that are published unchanged after the seven members of every row, in the order of
	// their names, for example messages and tools: the text of the source's JSON byte for byte, or, of a source that is not JSON,
	// the JSON of the value. "*" is the whole row, which is published as the member row. A row that lacks a member is published
	// without it; a member that no row of the data set has is an error. It may be set with a preset, and then adds to what the
	// preset keeps. At most 16 names. Unset keeps only the members that the preset keeps.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Keep []MemberName `json:"keep,omitempty"`

	// keepAsText names members of the source's row that are published as texts: a string unchanged, anything else as a string that
	// holds its JSON. It is for members whose type differs between rows, or whose objects have different members in each row. A
	// name that is in keep as well, or that the preset keeps, is kept as text. At most 16 names. Unset keeps no text.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	KeepAsText []MemberName `json:"keepAsText,omitempty"`

	// decontaminate lists expressions of further texts of a row that spec.decontaminate compares like the question, for
	// example row.rejected. Each returns a string, a list of strings, or nothing. It may be set with a preset, and then adds to the
	// preset's own. At most 8 expressions. Unset compares the question, and the texts of the preset's own expressions.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Decontaminate []Expression `json:"decontaminate,omitempty"`

	// scorer defines how an evaluator and a reward compare an answer with the reference answer: Numeric (one number, exactly),
	// Formula (LaTeX, by what it means), Text (the words that both have), NoAnswerText (the same, where a row may have no
	// answer), YesNoText (the same, where yes and no are answers of their own) or Code (programs that are run). It changes no
	// row, only labels. It may be set with a preset. Unset is the preset's, else that of each row's answer type.
	//
	// +optional
	Scorer Scorer `json:"scorer,omitempty"`
}

// MemberName is the name of a member of a source's row, or "*" for the whole row.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:XValidation:rule="!(self in ['id', 'dataset', 'domain', 'question', 'reference_answer', 'answer_type', 'metadata'])",message="A member that is kept must not be named id, dataset, domain, question, reference_answer, answer_type or metadata, which every row has; keep it under another name in metadata, or the whole row by \"*\"."
type MemberName string

// Scorer defines how an answer is compared with the reference answer.
//
// +kubebuilder:validation:Enum=Numeric;Formula;Text;NoAnswerText;YesNoText;Code
type Scorer string

// The scorers.
const (
	// ScorerNumeric compares one number, exactly.
	ScorerNumeric Scorer = "Numeric"
	// ScorerFormula compares LaTeX by what it means.
	ScorerFormula Scorer = "Formula"
	// ScorerText compares the words that both have.
	ScorerText Scorer = "Text"
	// ScorerNoAnswerText compares as ScorerText does, where a row may have no answer.
	ScorerNoAnswerText Scorer = "NoAnswerText"
	// ScorerYesNoText compares as ScorerText does, where yes and no are answers of their own.
	ScorerYesNoText Scorer = "YesNoText"
	// ScorerCode runs programs.
	ScorerCode Scorer = "Code"
)

// Answers defines whether the rows of a data set must have a reference answer.
//
// +kubebuilder:validation:Enum=Required;Optional
type Answers string

// The values of answers.
const (
	// AnswersRequired makes a row without a reference answer a bad row.
	AnswersRequired Answers = "Required"
	// AnswersOptional keeps a row without a reference answer.
	AnswersOptional Answers = "Optional"
)

// Metadata is one member of the metadata of a record.
//
// +kubebuilder:validation:XValidation:rule="self.name != 'source'",message="The name source is taken: it is the name of the data set in the metadata of every record."
type Metadata struct {
	// name of the member, unique in the record: letters, digits and underscores, not beginning with a digit. original_id
	// takes the place of the row number. Not source, which is the name of the data set.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
	Name string `json:"name,omitempty"`

	// value is the expression of the member's value: anything that JSON can hold. A row for which it is absent or null has no
	// such member. 1 to 1024 characters.
	//
	// +required
	Value Expression `json:"value,omitempty"`
}

// Order is the order of the rows of a mixed file.
//
// +kubebuilder:validation:Enum=Shuffled;Interleaved
type Order string

// The orders.
const (
	// OrderShuffled is a uniform shuffle.
	OrderShuffled Order = "Shuffled"
	// OrderInterleaved keeps every prefix of the file within one row of the ratio for every data set.
	OrderInterleaved Order = "Interleaved"
)

// Limits has the limits of a mix.
//
// +kubebuilder:validation:MinProperties=1
type Limits struct {
	// maxRepeats is how often one row may appear in a mixed split. A mix that needs more is not built; the message names a feasible
	// value. At least 1, at most 1000000. Unset sets no limit; status.datasets shows the repeats.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxRepeats int64 `json:"maxRepeats,omitempty"`
}

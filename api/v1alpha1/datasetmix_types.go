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

	// spec is the mix as it should be. All of it can be edited, except for which volume the output is on.
	//
	// +required
	Spec DatasetMixSpec `json:"spec,omitzero"`

	// status is what the controller observed. It is derived anew on every pass.
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

// DatasetMixSpec is a mix as it should be.
//
// +kubebuilder:validation:XValidation:rule="self.domains.map(d, d.datasets.size()).sum() <= 64",message="A mix must have at most 64 data sets over all domains."
// +kubebuilder:validation:XValidation:rule="self.domains.all(d, d.datasets.all(s, self.domains.filter(e, e.datasets.exists(t, t.name == s.name)).size() == 1))",message="The names of data sets must be unique over all domains."
type DatasetMixSpec struct {
	// seed of every order and every choice of rows. The same spec, seed and source bytes give the same output bytes.
	// Another seed gives another split and another order.
	//
	// +required
	Seed *int64 `json:"seed,omitempty"`

	// splits are the parts into which the rows of each data set are divided, before anything is balanced, repeated or
	// mixed. Rows with the same question are always in the same part. Each split becomes one mixed file. At least 1, at
	// most 8. The order matters where a row is left over: it goes to the later split.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Splits []Split `json:"splits,omitempty"`

	// domains are the groups of data sets that are mixed in the ratio of their shares. At least 1, at most 16. Their order
	// means nothing.
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

	// limits that a mix has to keep, else it is not built and stalls as InfeasibleMix. Unset sets none.
	//
	// +optional
	Limits *Limits `json:"limits,omitempty"`

	// output says what is published, and where.
	//
	// +required
	Output Output `json:"output,omitzero"`

	// worker says what the pods that build the mix are given. Unset is as documented at its fields. No field of it changes
	// the output, so an edit does not build anything again.
	//
	// +optional
	Worker *Worker `json:"worker,omitempty"`

	// suspend stops the build when true: no Job is made, and a running one is suspended (its pods are ended, what is
	// finished on the volume stays). False continues. Unset is false.
	//
	// +optional
	Suspend *bool `json:"suspend,omitempty"`
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

	// size says how many rows the mixed split has.
	//
	// +required
	Size Size `json:"size,omitzero"`
}

// SizePolicy says how many rows a mixed split has.
//
// +kubebuilder:validation:Enum=KeepTotal;SmallestPool;NoRepeat;Rows
type SizePolicy string

// The size policies.
const (
	// SizeKeepTotal is the sum of the split's rows over all data sets; scarce domains repeat.
	SizeKeepTotal SizePolicy = "KeepTotal"
	// SizeSmallestPool is the largest total for which no domain needs more than its balanced pool: only what balancing
	// repeated repeats.
	SizeSmallestPool SizePolicy = "SmallestPool"
	// SizeNoRepeat is the largest total in which no row appears twice.
	SizeNoRepeat SizePolicy = "NoRepeat"
	// SizeRows is exactly as many rows as rows says.
	SizeRows SizePolicy = "Rows"
)

// Size says how many rows a mixed split has.
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

// Balance says how the data sets of one domain are brought together.
//
// +kubebuilder:validation:Enum=Largest;Smallest;None;Shares
type Balance string

// The balance rules.
const (
	// BalanceLargest repeats rows of every data set until each has as many as the largest.
	BalanceLargest Balance = "Largest"
	// BalanceSmallest takes as many rows of every data set as the smallest has.
	BalanceSmallest Balance = "Smallest"
	// BalanceNone takes the data sets as they are.
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

	// balance says how the data sets of the domain are brought together: Largest (repeat rows of every data set until each
	// has as many as the largest), Smallest (take as many of each as the smallest has), None (take them as they are) or
	// Shares (follow the data sets' own shares). Unset is Largest.
	//
	// +optional
	Balance Balance `json:"balance,omitempty"`

	// datasets of the domain. At least 1, at most 32, and at most 64 over all domains. Their order means nothing.
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

	// share of the domain's rows, relative to the other data sets' shares, where the domain's balance is Shares; unset
	// otherwise. Greater than 0, at most 1000000, at most 9 decimals.
	//
	// +optional
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=20
	Share *resource.Quantity `json:"share,omitempty"`

	// source says where the data set's files come from.
	//
	// +required
	Source Source `json:"source,omitzero"`

	// record says how a row of the source becomes a record of the mix.
	//
	// +required
	Record Record `json:"record,omitzero"`
}

// Preset is the name of a mapping from the rows of a well-known data set.
//
// +kubebuilder:validation:Enum=gsm8k;math;squad2;hotpotqa;hotpotqa-context;humaneval;mbpp
type Preset string

// Record says how a row of the source becomes a record of the mix.
type Record struct {
	// preset names the mapping: gsm8k, math, squad2, hotpotqa, hotpotqa-context, humaneval or mbpp.
	//
	// +required
	Preset Preset `json:"preset,omitempty"`
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

// Limits that a mix has to keep.
//
// +kubebuilder:validation:MinProperties=1
type Limits struct {
	// maxRepeats is how often one row may appear in a mixed split. A mix that needs more is not built; the message says
	// what would be feasible. At least 1, at most 1000000. Unset sets no limit; status.datasets shows the repeats.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxRepeats int64 `json:"maxRepeats,omitempty"`
}

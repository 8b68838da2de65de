package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// Format is the format of the mixed files.
//
// +kubebuilder:validation:Enum=JSONL;JSONLZstd;JSONLGzip;Parquet
type Format string

// The formats of mixed files.
const (
	// FormatJSONL is one JSON object per line, UTF-8, every line ended by a single line feed.
	FormatJSONL Format = "JSONL"
	// FormatJSONLZstd is JSONL, packed with Zstandard.
	FormatJSONLZstd Format = "JSONLZstd"
	// FormatJSONLGzip is JSONL, packed with gzip.
	FormatJSONLGzip Format = "JSONLGzip"
	// FormatParquet is Apache Parquet, a column for each key of a record.
	FormatParquet Format = "Parquet"
)

// DeletionPolicy defines whether the claim that the operator created is deleted with the mix.
//
// +kubebuilder:validation:Enum=Retain;Delete
type DeletionPolicy string

// The deletion policies.
const (
	// DeletionRetain keeps the claim and the data.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionDelete deletes the claim; the reclaim policy of the storage class decides about the data.
	DeletionDelete DeletionPolicy = "Delete"
)

// RevisionPart is a part of a revision.
// +kubebuilder:validation:Enum=Raw;Processed;Mixed;Test
type RevisionPart string

// The parts: all rows of every data set, the rows of each split, the mixed files, and the files that evaluate each data set alone.
const (
	RevisionPartRaw       RevisionPart = "Raw"
	RevisionPartProcessed RevisionPart = "Processed"
	RevisionPartMixed     RevisionPart = "Mixed"
	RevisionPartTest      RevisionPart = "Test"
)

// Output defines what is published, and where.
//
// +kubebuilder:validation:XValidation:rule="!has(self.keep) || 'Mixed' in self.keep || has(self.exports)",message="A revision must hold the mix: keep Mixed, or have at least one export."
// +kubebuilder:validation:XValidation:rule="!has(self.deletionPolicy) || self.deletionPolicy == 'Retain' || has(self.volume.claimTemplate)",message="The deletionPolicy Delete needs a claimTemplate: a claim that is named by claimName belongs to whoever made it."
type Output struct {
	// volume is the claim that the mix is built and published on.
	//
	// +required
	Volume OutputVolume `json:"volume,omitzero"`

	// path is the mix's folder on the volume. Training pods mount <path>/current. Two mixes on one volume need two paths.
	// Each segment begins with a letter or a digit. Unset is the name of the mix.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$`
	Path string `json:"path,omitempty"`

	// format of the mixed files: JSONL, JSONLZstd (.jsonl.zst), JSONLGzip (.jsonl.gz) or Parquet. All other files of rows are always
	// JSONL. Unset is JSONL.
	//
	// +optional
	Format Format `json:"format,omitempty"`

	// shards is the number of files per mixed split. If there are several, each has its number in its name, such as
	// train_mixed-00000-of-00008.jsonl, and its part of every data set. At least 1, at most 1024, and at most 2048 files over
	// all splits. Unset is 1, a file without a number.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1024
	Shards int32 `json:"shards,omitempty"`

	// exports are further forms of the mix that trainers read, with the same rows in the order of the mixed files:
	// exports/<name>/train.parquet and so on, in as many files as shards. At most 8. Unset is none.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Exports []Export `json:"exports,omitempty"`

	// keep has the parts of a revision that are kept: Raw (raw/, every row of each data set), Processed (processed/, the rows of each split), Mixed
	// (mixed/) and Test (test/, the rows that evaluate each data set alone). A part that is not kept is not written, and verify
	// proves less of such a revision; the manifest, the pages and the exports are always written. Changing it publishes another revision;
	// adding or removing Raw splits the data sets again. Unset keeps all four.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	Keep []RevisionPart `json:"keep,omitempty"`

	// keepRevisions is the number of published revisions that remain on the volume, the newest included. Revisions that pods of the
	// namespace read (see status.held), or that keepSeconds keeps, remain in addition to them. At least 1, at most 100. Unset is 3.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	KeepRevisions int32 `json:"keepRevisions,omitempty"`

	// keepSeconds is the number of seconds that a revision remains after a newer one was published, even beyond keepRevisions. It
	// protects pods that the operator does not see: in another namespace, or in another cluster with the same volume. At least 60, at
	// most 31536000, a year. Unset is 3600, an hour.
	//
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=31536000
	KeepSeconds int64 `json:"keepSeconds,omitempty"`

	// cache limits the originals that remain on the volume. Unset keeps the originals of every kept revision.
	//
	// +optional
	Cache *Cache `json:"cache,omitempty"`

	// deletionPolicy defines whether a claim made from claimTemplate is deleted with the mix: Retain keeps it, Delete deletes it. A
	// claim named by claimName is never deleted. Unset is Retain.
	//
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// Cache limits the downloaded originals, which all mixes on a volume share.
//
// +kubebuilder:validation:XValidation:rule="quantity(string(self.maxSize)).compareTo(quantity('0')) >= 0",message="The maxSize of a cache must not be negative."
// +kubebuilder:validation:MinProperties=1
type Cache struct {
	// maxSize is the number of bytes of originals that may remain in the volume's cache once this mix is published, for example 20Gi;
	// the least recently used ones are removed first. Originals that a running build needs, or that another mix without a limit keeps,
	// are never removed. An original that is needed later is downloaded again. 0 keeps none.
	//
	// +required
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=20
	MaxSize *resource.Quantity `json:"maxSize,omitempty"`
}

// OutputVolume is the claim that a mix is built and published on. Exactly one field is set, and the claim cannot be changed: a published
// revision never moves.
//
// +kubebuilder:validation:XValidation:rule="has(self.claimName) != has(self.claimTemplate)",message="An output volume must be exactly one of claimName and claimTemplate."
// +kubebuilder:validation:XValidation:rule="has(self.claimName) == has(oldSelf.claimName)",message="An output volume cannot be changed between claimName and claimTemplate; create another DatasetMix instead."
// +kubebuilder:validation:MinProperties=1
type OutputVolume struct {
	// claimName is the name of a PersistentVolumeClaim in the same namespace, which may be created later. It cannot be changed.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="The claimName cannot be changed; create another DatasetMix instead."
	ClaimName string `json:"claimName,omitempty"`

	// claimTemplate describes the claim that the operator creates, whose name is that of the mix with the suffix -data.
	//
	// +optional
	ClaimTemplate *ClaimTemplate `json:"claimTemplate,omitempty"`
}

// AccessMode is an access mode of a claim that can be written to.
//
// +kubebuilder:validation:Enum=ReadWriteOnce;ReadWriteMany;ReadWriteOncePod
type AccessMode string

// The access modes.
const (
	// ReadWriteOnce can be attached to one node; the pods of a mix are put on one node.
	ReadWriteOnce AccessMode = "ReadWriteOnce"
	// ReadWriteMany can be attached to many nodes; the pods of a mix may spread.
	ReadWriteMany AccessMode = "ReadWriteMany"
	// ReadWriteOncePod can be used by one pod at a time, be it a worker or a training.
	ReadWriteOncePod AccessMode = "ReadWriteOncePod"
)

// ClaimTemplate describes the claim that the operator creates. Only its size can be changed.
//
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName) && self.accessModes == oldSelf.accessModes",message="The storageClassName and the accessModes of a claimTemplate cannot be changed; create another DatasetMix instead."
// +kubebuilder:validation:XValidation:rule="quantity(string(self.size)).isGreaterThan(quantity('0'))",message="The size of a claimTemplate must be greater than 0."
// +kubebuilder:validation:XValidation:rule="quantity(string(self.size)).compareTo(quantity(string(oldSelf.size))) >= 0",message="The size of a claimTemplate can only grow."
type ClaimTemplate struct {
	// storageClassName of the claim. Unset is the cluster's default class. It cannot be changed.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StorageClassName string `json:"storageClassName,omitempty"`

	// accessModes of the claim, of ReadWriteOnce, ReadWriteMany and ReadWriteOncePod. At least 1. It cannot be changed.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	AccessModes []AccessMode `json:"accessModes,omitempty"`

	// size of the claim in bytes, for example 5Gi. It can grow, if the storage class allows that. A mix needs about three
	// times the decoded size of its originals, and in addition the mixed files of every kept revision.
	//
	// +required
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=20
	Size resource.Quantity `json:"size,omitzero"`
}

package v1alpha1

// Source defines where a data set's files come from. Exactly one of huggingFace, http, objectStore, oci and volume is set. Files with the
// same bytes are read in the same way from every kind of source.
//
// +kubebuilder:validation:XValidation:rule="(has(self.huggingFace) ? 1 : 0) + (has(self.http) ? 1 : 0) + (has(self.objectStore) ? 1 : 0) + (has(self.oci) ? 1 : 0) + (has(self.volume) ? 1 : 0) == 1",message="A source must be exactly one of huggingFace, http, objectStore, oci and volume."
// +kubebuilder:validation:MinProperties=1
type Source struct {
	// huggingFace is a data set repository on a Hugging Face Hub or a mirror of one.
	//
	// +optional
	HuggingFace *HuggingFaceSource `json:"huggingFace,omitempty"`

	// http is a list of files by address.
	//
	// +optional
	HTTP *HTTPSource `json:"http,omitempty"`

	// objectStore is objects of a bucket.
	//
	// +optional
	ObjectStore *ObjectStoreSource `json:"objectStore,omitempty"`

	// oci is files in an OCI registry.
	//
	// +optional
	OCI *OCISource `json:"oci,omitempty"`

	// volume is a folder or a file on a claim of the same namespace.
	//
	// +optional
	Volume *VolumeSource `json:"volume,omitempty"`

	// expect defines the content that the source must have. If it has another one, the mix stalls with the reason SourceDrifted.
	// Setting or correcting it builds nothing again. Unset accepts any content.
	//
	// +optional
	Expect *Expect `json:"expect,omitempty"`
}

// Expect defines the content that a source must have, by values that status.datasets and lock.json show.
//
// +kubebuilder:validation:MinProperties=1
type Expect struct {
	// rows is the number of rows of the source, before any is left out. At least 1, at most 10,000,000,000. Unset is any.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000000000
	Rows int64 `json:"rows,omitempty"`

	// sha256 is the digest over all files of the source in lower-case hex, as in status.datasets[].source.digest. It does not depend on
	// the names of the files. Unset is any.
	//
	// +optional
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	SHA256 string `json:"sha256,omitempty"`
}

// HuggingFaceSource is a data set repository on a Hugging Face Hub. The files are chosen by config and split, or by
// files, never by both.
//
// +kubebuilder:validation:XValidation:rule="!has(self.files) || (!has(self.config) && !has(self.split))",message="A huggingFace source chooses its files either by files or by config and split, not by both."
type HuggingFaceSource struct {
	// repo is the repository as namespace/name, for example openai/gsm8k.
	//
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$`
	Repo string `json:"repo,omitempty"`

	// revision is a commit (40 hex digits), a branch or a tag. It is resolved to a commit once per build; only a commit
	// makes a build reproducible forever. Unset is the repository's main branch. status.datasets shows the commit.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._/-]*$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('..')",message="A revision must not contain two dots in a row."
	Revision string `json:"revision,omitempty"`

	// config is a configuration (subset) of the repository, by its card's metadata or its folders. Unset is the
	// repository's default configuration, or its only one.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[^<>:/\\|?*\[\]{}]+$`
	Config string `json:"config,omitempty"`

	// split is a split of the repository, for example train. Unset takes every split of the configuration. It is independent of
	// spec.splits, which divide the rows that are taken.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^\w+(\.\w+)*$`
	Split string `json:"split,omitempty"`

	// files are globs over the repository's paths, for example "*/train-*.parquet". They take the place of config and
	// split. Each must match at least one file; the files are read in the order of their paths. Unset chooses by config
	// and split.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Files []FileGlob `json:"files,omitempty"`

	// endpoint is the address of a Hub or of a mirror, for example https://hub.example.org. Unset is the operator's own
	// (its --hub-endpoint flag, else https://huggingface.co).
	//
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^https?://[^\s?#@]+$`
	Endpoint string `json:"endpoint,omitempty"`

	// tokenSecretRef names the Secret with an access token, for repositories that are private or gated. It reaches the
	// worker as a file; the operator has no right to read Secrets. Unset sends no token.
	//
	// +optional
	TokenSecretRef *SecretKeyReference `json:"tokenSecretRef,omitempty"`
}

// FileGlob is a glob over slash-separated relative paths: * and ? match within one folder, ** any number of folders,
// {a,b} and [a-z] as in a shell.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !('/' + self + '/').contains('/../')",message="A file glob must be a relative path without '..' segments."
type FileGlob string

// HTTPSource is a list of files by address.
//
// +kubebuilder:validation:XValidation:rule="!has(self.secretRef) || [self.urls[0].url.split('/', 4)[2]].all(host, self.urls.all(file, file.url.startsWith('https://' + host + '/')))",message="The urls of an http source with a secretRef must be https and on one host, since credentials are sent over nothing else and are for one host."
type HTTPSource struct {
	// urls are the files, read in this order. At least 1, at most 64.
	//
	// +required
	// +listType=map
	// +listMapKey=url
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	URLs []HTTPFile `json:"urls,omitempty"`

	// secretRef names a Secret with credentials for the host of urls: the key token for a bearer token, or the keys username
	// and password for basic credentials. They are sent only to that host and only over https, and not to hosts that it redirects
	// to. They reach the worker as files; the operator has no right to read Secrets. Unset sends none.
	//
	// +optional
	SecretRef *LocalReference `json:"secretRef,omitempty"`

	// caBundleRef names certificates in PEM form that are trusted in addition to the public ones, for servers with certificates of a
	// private authority. Unset trusts the public ones.
	//
	// +optional
	CABundleRef *BundleReference `json:"caBundleRef,omitempty"`
}

// BundleKind is a kind of object that holds files.
//
// +kubebuilder:validation:Enum=ConfigMap;Secret
type BundleKind string

// The kinds of objects that hold files.
const (
	BundleConfigMap BundleKind = "ConfigMap"
	BundleSecret    BundleKind = "Secret"
)

// BundleReference is one key of a ConfigMap or of a Secret in the same namespace.
type BundleReference struct {
	// kind is ConfigMap or Secret. Unset is ConfigMap.
	//
	// +optional
	Kind BundleKind `json:"kind,omitempty"`

	// name of the object.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// key of the object's data, for example ca.crt.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`
}

// HTTPFile is one file by address.
type HTTPFile struct {
	// url is the address, http or https, without credentials. The format of the file is detected from its content, not from its name.
	//
	// +required
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^https?://[^\s/@#]+(/[^\s#]*)?$`
	URL string `json:"url,omitempty"`

	// sha256 is the file's SHA-256 in lower-case hex. A file with another digest is refused. Unset accepts any file; status.datasets
	// shows its digest.
	//
	// +optional
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	SHA256 string `json:"sha256,omitempty"`
}

// VolumeSource is a folder or a file on a claim of the same namespace. The pods of the download and split stages mount the claim
// read-only and read the files in place.
type VolumeSource struct {
	// claimName is the name of the PersistentVolumeClaim.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	ClaimName string `json:"claimName,omitempty"`

	// path is a folder or a file below the claim's root. Unset is the root.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !('/' + self + '/').contains('/../')",message="A path must be a relative path without '..' segments."
	Path string `json:"path,omitempty"`

	// files are globs below path, read in the order of the paths. Unset takes path itself if it is a file, else every file
	// below it whose name, and whose folders' names, begin with neither a dot nor an underscore.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Files []FileGlob `json:"files,omitempty"`
}

// SecretKeyReference is one key of a Secret in the same namespace.
type SecretKeyReference struct {
	// name of the Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// key of the Secret's data.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`
}

// OnBadRow defines the handling of a row that cannot be read or mapped.
//
// +kubebuilder:validation:Enum=Fail;Skip
type OnBadRow string

// The values of onBadRow.
const (
	// OnBadRowFail ends the build.
	OnBadRowFail OnBadRow = "Fail"
	// OnBadRowSkip leaves the row out and counts it.
	OnBadRowSkip OnBadRow = "Skip"
)

// NonFinite defines the handling of a number that is not finite.
//
// +kubebuilder:validation:Enum=BadRow;Null
type NonFinite string

// The values of nonFinite.
const (
	// NonFiniteBadRow makes the row a bad row.
	NonFiniteBadRow NonFinite = "BadRow"
	// NonFiniteNull reads the number as null.
	NonFiniteNull NonFinite = "Null"
)

// Quote defines the meaning of quotation marks in a table.
//
// +kubebuilder:validation:Enum=Double;None
type Quote string

// The values of quote.
const (
	// QuoteDouble is RFC 4180: a field in marks may have delimiters and line ends in it, and marks that are doubled.
	QuoteDouble Quote = "Double"
	// QuoteNone reads them as text.
	QuoteNone Quote = "None"
)

// Table defines the format of delimited text, such as CSV, if it cannot be detected from the text.
//
// +kubebuilder:validation:MinProperties=1
type Table struct {
	// delimiter is the character between the fields, for example "|" or "\t". One ASCII character except a quotation mark or a
	// line end. Unset is the comma, semicolon or tab of the first records.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1
	// +kubebuilder:validation:Pattern=`^[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x7e]$`
	Delimiter string `json:"delimiter,omitempty"`

	// quote defines the meaning of quotation marks: Double (a field in marks may have delimiters, line ends and doubled marks in it) or
	// None (they are text, and every line is a record). Unset is Double, and refuses a field between tabs that may be several records.
	//
	// +optional
	Quote Quote `json:"quote,omitempty"`

	// columns are the names of the columns of a table without a header, in their order. 1 to 256 names of 1 to 256 characters. Unset
	// takes the names from the first record.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	Columns []string `json:"columns,omitempty"`
}

// Read defines how a source's files are read.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.path) && has(self.table))",message="Only one of path and table must be set: the first is for a JSON document, the second for delimited text."
// +kubebuilder:validation:XValidation:rule="!has(self.maxBadRows) || (has(self.onBadRow) && self.onBadRow == 'Skip')",message="The number maxBadRows must be set only with the onBadRow Skip."
// +kubebuilder:validation:MinProperties=1
type Read struct {
	// path leads from the top of a JSON document to the list of its rows, as names with dots between them, for example
	// data.rows. 1 to 256 characters. Unset for any other file, and for a document that is itself the list.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[^.]+(\.[^.]+)*$`
	Path string `json:"path,omitempty"`

	// table declares the files to be delimited text, and defines its format. Unset detects delimited text from a file's first lines.
	//
	// +optional
	Table *Table `json:"table,omitempty"`

	// nonFinite defines the handling of a number that is not finite, NaN or Infinity, in a field that the record uses: BadRow (the row is
	// a bad row) or Null (the value is null). Other fields may have any value. Unset is BadRow.
	//
	// +optional
	NonFinite NonFinite `json:"nonFinite,omitempty"`

	// onBadRow defines the handling of a row that cannot be read or mapped: Fail (the mix stalls with the reason InvalidData) or Skip (the
	// row is left out and counted; status.datasets has the first ones). Unset is Fail.
	//
	// +optional
	OnBadRow OnBadRow `json:"onBadRow,omitempty"`

	// maxBadRows is the number of rows that may be skipped before the build fails, with the onBadRow Skip only. At least 1, at most
	// 10,000,000,000. Unset is any number.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000000000
	MaxBadRows int64 `json:"maxBadRows,omitempty"`
}

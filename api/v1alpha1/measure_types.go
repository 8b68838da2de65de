package v1alpha1

// Resample defines how a data set contributes more rows than it has.
//
// +kubebuilder:validation:Enum=Passes;WithReplacement
type Resample string

// The values of resample.
const (
	// ResamplePasses uses each row as often as any other, give or take one.
	ResamplePasses Resample = "Passes"
	// ResampleWithReplacement draws each row anew.
	ResampleWithReplacement Resample = "WithReplacement"
)

// ShareUnit is the unit of shares.
//
// +kubebuilder:validation:Enum=Rows;Bytes;Tokens
type ShareUnit string

// The units of shares.
const (
	// UnitRows counts rows.
	UnitRows ShareUnit = "Rows"
	// UnitBytes counts the bytes of questions and reference answers in UTF-8.
	UnitBytes ShareUnit = "Bytes"
	// UnitTokens counts the tokens of questions and reference answers.
	UnitTokens ShareUnit = "Tokens"
)

// Encoding is a byte pair encoding that is built into the workers.
//
// +kubebuilder:validation:Enum=o200k_base;cl100k_base
type Encoding string

// Tokenizer counts tokens. It is built into the workers, or a file on the output volume.
//
// +kubebuilder:validation:XValidation:rule="has(self.encoding) != has(self.file)",message="A tokenizer must be exactly one of encoding and file."
// +kubebuilder:validation:XValidation:rule="has(self.file) == has(self.sha256)",message="The file and the sha256 of a tokenizer must be set together."
// +kubebuilder:validation:MinProperties=1
type Tokenizer struct {
	// encoding is o200k_base or cl100k_base. Unset if the tokenizer is a file.
	//
	// +optional
	Encoding Encoding `json:"encoding,omitempty"`

	// file is the path of a tokenizer.json below the root of the output volume, where it must be before the build. Unset if the
	// tokenizer is an encoding.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !('/' + self + '/').contains('/../')",message="A path must be a relative path without '..' segments."
	File string `json:"file,omitempty"`

	// sha256 is the file's SHA-256 in lower-case hex; a file with another digest is refused. It must be set if and only if file is, so
	// that the spec alone determines the counts of a build.
	//
	// +optional
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	SHA256 string `json:"sha256,omitempty"`
}

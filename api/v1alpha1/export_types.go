package v1alpha1

// ExportFormat is the shape of an export's rows. docs/exports.md has the columns.
//
// +kubebuilder:validation:Enum=RL;SFT;Preference;Text
type ExportFormat string

// The formats of exports.
const (
	// ExportRL has a prompt and the label that its answer is scored by, with rewards.py next to the rows, for TRL, verl, OpenRLHF and Axolotl.
	ExportRL ExportFormat = "RL"
	// ExportSFT has chats that end in the answer.
	ExportSFT ExportFormat = "SFT"
	// ExportPreference has a prompt, and an answer that is preferred to another.
	ExportPreference ExportFormat = "Preference"
	// ExportText has texts.
	ExportText ExportFormat = "Text"
)

// Export is a second form of the mix that a trainer reads: Parquet files with the rows of the mixed files, in the same order.
//
// +kubebuilder:validation:XValidation:rule="!has(self.instructions) || self.format in ['RL', 'SFT']",message="The instructions of an export must be set only with the format RL or SFT, which ask questions."
// +kubebuilder:validation:XValidation:rule="!has(self.systemPrompt) || self.format != 'Text'",message="The systemPrompt of an export must not be set with the format Text, which has no turns."
type Export struct {
	// name of the folder below exports/ in a revision. At most 40 characters.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// format is the shape of the rows: RL (a prompt, and the label that its answer is scored by), SFT (messages that end in the answer),
	// Preference (a prompt, and an answer that is chosen and one that is rejected, which the rows of every data set must keep) or Text.
	//
	// +required
	Format ExportFormat `json:"format,omitempty"`

	// systemPrompt is the first message of every row without a message of the role system. At most 8192 characters. Unset adds none.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	SystemPrompt string `json:"systemPrompt,omitempty"`

	// instructions are appended to the question after an empty line, and ask for an answer in a form that can be scored. They are not
	// appended to messages or a prompt that rows keep. Unset has the defaults of the format: SFT has none; those of RL ask for the
	// answer in \boxed{}, or for a block of code.
	//
	// +optional
	Instructions *Instructions `json:"instructions,omitempty"`
}

// Instructions ask the model for an answer in a form that can be scored, by the kind of answer. An empty one adds nothing.
//
// +kubebuilder:validation:MinProperties=1
type Instructions struct {
	// numeric is for rows whose answer is a number. At most 2048 characters. Unset is the format's default.
	//
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=2048
	Numeric *string `json:"numeric,omitempty"`

	// text is for rows whose answer is a text. At most 2048 characters. Unset is the format's default.
	//
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=2048
	Text *string `json:"text,omitempty"`

	// formula is for rows of answer type text that are scored as formulas, such as those of MATH. At most 2048 characters. Unset
	// is text if that is set, else the format's default.
	//
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=2048
	Formula *string `json:"formula,omitempty"`

	// noAnswer is for rows of answer type text that may have no answer, such as those of SQuAD 2.0. At most 2048 characters.
	// Unset is text if that is set, else the format's default.
	//
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=2048
	NoAnswer *string `json:"noAnswer,omitempty"`

	// code is for rows whose answer is a program. At most 2048 characters. Unset is the format's default.
	//
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=2048
	Code *string `json:"code,omitempty"`
}

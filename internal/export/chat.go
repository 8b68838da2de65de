package export

import (
	"encoding/json"
	"errors"

	"github.com/datasetmix/datasetmix/internal/encode"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// whose are the columns that identify the row, in every format but RL.
var whose = []encode.Field{{Name: "id"}, {Name: "dataset"}, {Name: "domain"}}

// addWhose fills them, from a leaf on.
func (x *Rows) addWhose(leaf int, to *encode.Table) {
	to.Text(leaf, x.row.id)
	to.Text(leaf+1, x.row.dataset)
	to.Text(leaf+2, x.row.domain)
}

// sft is the format for supervised fine-tuning: chats that end in the answer.
type sft struct{ label labels }

var sftFields = append([]encode.Field{{Name: "messages", List: true, Fields: turnFields}}, whose...)

func (f *sft) fields() []encode.Field         { return sftFields }
func (f *sft) id() int                        { return 2 }
func (f *sft) index(_ int64, _ *encode.Table) {}

func (f *sft) add(x *Rows, to *encode.Table) error {
	turns, err := x.chat()
	if err != nil {
		return err
	}
	if turns == nil {
		if len(x.row.answer) == 0 {
			return errWithout("reference answer")
		}
		f.label.recipe = x.recipe
		if turns, err = x.asks(f.label.scorer(&x.row)); err != nil {
			return err
		}
		turns = append(turns, turn{assistantRole, string(x.row.answer)})
	}
	x.turns(turns, 0, to)
	x.addWhose(2, to)
	return nil
}

// preference is the format for DPO and its kin: a prompt, and the turns that answer it better and worse.
type preference struct{}

var preferenceFields = append([]encode.Field{
	{Name: "prompt", List: true, Fields: turnFields},
	{Name: "chosen", List: true, Fields: turnFields},
	{Name: "rejected", List: true, Fields: turnFields},
}, whose...)

func (preference) fields() []encode.Field         { return preferenceFields }
func (preference) id() int                        { return 6 }
func (preference) index(_ int64, _ *encode.Table) {}

func (preference) add(x *Rows, to *encode.Table) error {
	var pair [2][]turn
	for i, name := range []string{recipe.KeptChosen, recipe.KeptRejected} {
		raw := x.row.keeps(name)
		if raw == nil {
			return errWithout("member " + name)
		}
		var err error
		if pair[i], err = said(raw, assistantRole); err != nil {
			return err
		}
	}
	shared := 0 // the turns before the answers are in both lists if the row has no prompt, and sometimes if it has one
	for shared < len(pair[0])-1 && shared < len(pair[1])-1 && pair[0][shared] == pair[1][shared] {
		shared++
	}
	prompt := pair[0][:shared]
	if raw := x.row.keeps(recipe.KeptPrompt); raw != nil && (shared == 0 || raw[0] != '"') {
		var err error
		if prompt, err = said(raw, userRole); err != nil {
			return err
		}
	}
	if len(prompt) == 0 {
		prompt = []turn{{userRole, string(x.row.question)}}
	}
	x.turns(prompt, 0, to)
	add(pair[0][shared:], 2, to)
	add(pair[1][shared:], 4, to)
	x.addWhose(6, to)
	return nil
}

// text is the format for pretraining: the text that the row keeps, else the question, and the answer behind an empty line.
type text struct{ made []byte }

var textFields = append([]encode.Field{{Name: "text"}}, whose...)

func (f *text) fields() []encode.Field         { return textFields }
func (f *text) id() int                        { return 1 }
func (f *text) index(_ int64, _ *encode.Table) {}

func (f *text) add(x *Rows, to *encode.Table) error {
	f.made = append(f.made[:0], x.row.question...)
	if len(x.row.answer) > 0 {
		f.made = append(append(f.made, "\n\n"...), x.row.answer...)
	}
	if raw := x.row.keeps(recipe.KeptText); raw != nil {
		var kept string
		if err := json.Unmarshal(raw, &kept); err != nil {
			return errors.New("its member text is no text")
		}
		f.made = append(f.made[:0], kept...)
	}
	to.Text(0, f.made)
	x.addWhose(1, to)
	return nil
}

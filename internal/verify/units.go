package verify

import (
	"bytes"

	"github.com/datasetmix/datasetmix/internal/jsonscan"
	"github.com/datasetmix/datasetmix/internal/record"
	"github.com/datasetmix/datasetmix/internal/tokens"
)

// measure makes what counts the rows in the unit of the shares. There is none where that is rows, nor where a tokenizer's file
// counts, which is no part of a revision: then the counts are taken as the manifest states them.
func (v *verifier) measure() error {
	if v.manifest.Recipe.Tokenizer.File != "" {
		return nil
	}
	units, err := tokens.UnitsOf(v.manifest.Recipe, nil)
	if err != nil {
		return differ("the manifest's tokenizer: %w", err)
	}
	v.units = units
	return nil
}

// unitsOf are the bytes or tokens of a row.
func (v *verifier) unitsOf(row record.View) int64 {
	if v.units == nil {
		return 0
	}
	return v.units.Of(meant(row.Question), meant(row.Answer))
}

// meant is the text that stands in JSON, without quotes, in the published form.
func meant(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	return string(appendMeant(nil, raw))
}

// appendMeant is meant of a buffer.
func appendMeant(dst, raw []byte) []byte {
	text, ok := jsonscan.AppendUnquoted(dst, raw)
	if !ok {
		panic("verify: a row was recognised with a text that is none") // record rules it out
	}
	return text
}

// measured: the bytes or tokens of every split are those that the split stage counted, and those that are left what the balance
// stage says.
func (d *dataset) measured() error {
	v := d.verifier
	if v.units == nil {
		return nil
	}
	divided, balanced := *v.results.Split(d.name), *v.results.Balance()
	if len(divided.Units) != len(d.splits) || len(balanced.Units) != len(d.splits) {
		return differ("data set %s: the manifest does not say how many %s its splits have", d.name, v.manifest.Recipe.Unit)
	}
	for s, c := range d.splits {
		if c.file == "" {
			continue
		}
		left := int64(-1)
		if len(balanced.Units[s]) == len(v.datasets) {
			left = balanced.Units[s][d.place]
		}
		if c.units != left {
			return differ("%s has %d %s, the manifest says %d", c.file, c.units, v.manifest.Recipe.Unit, left)
		}
		if whole := c.units + d.raw.units[s]; d.raw.file != "" && whole != divided.Units[s] {
			return differ("%s and what was dropped of it have %d %s, the manifest says %d", c.file, whole, v.manifest.Recipe.Unit, divided.Units[s])
		}
	}
	return nil
}

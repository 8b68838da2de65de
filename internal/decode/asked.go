package decode

import (
	"strings"

	"github.com/datasetmix/datasetmix/internal/decode/decoded"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

// As returns a File with the format that a recipe states for the files of a source; the caller sets the name, the data and the size of each.
func As(read recipe.Read) File {
	var f File
	if read.Path != "" {
		f.Path = strings.Split(read.Path, ".")
	}
	if t := read.Table; t != nil {
		f.Table = &Table{Columns: t.Columns}
		if t.Delimiter != "" {
			f.Table.Delimiter = t.Delimiter[0]
		}
		switch t.Quote {
		case recipe.DoubleQuote:
			f.Table.Quote = QuoteDouble
		case recipe.NoQuote:
			f.Table.Quote = QuoteNone
		}
	}
	if read.NonFinite == recipe.NullNonFinite {
		f.NonFinite = decoded.NonFiniteNull
	}
	return f
}

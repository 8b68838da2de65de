package live

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/width"

	"github.com/datasetmix/datasetmix/internal/cli/view"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// The styles of a frame, by their codes in the terminal's own palette, which is legible on dark and on light ground.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	cyan   = "36"
	escape = "\x1b["
)

// paint colors a text, where colors are wanted.
func paint(colors bool, code, text string) string {
	if !colors || text == "" {
		return text
	}
	return escape + code + "m" + text + escape + "0m"
}

// Frame returns the lines that show a build on a terminal of a size. Each line is shorter than the terminal is wide, and the lines are fewer than
// its rows, so that the cursor has a line of its own. If not all units fit, those that are running come first.
func Frame(b Build, columns, rows int, colors bool) []string {
	f := framer{columns: max(columns-1, 1), colors: colors}
	most := max(rows-1, 1)
	notes := b.Notes[:min(len(b.Notes), max(0, most-1-len(b.Stages)))]
	shown := choose(b.Stages, most-1-len(b.Stages)-len(notes))
	f.names = nameColumn(b.Stages, shown, f.columns)
	f.head(b)
	for i, stage := range b.Stages {
		f.stage(stage)
		for j, unit := range stage.Units {
			if shown[i][j] {
				f.unit(unit)
			}
		}
	}
	for _, note := range notes {
		f.add(piece{dim, contract.Clean(note, 0)})
	}
	return f.lines[:min(len(f.lines), most)]
}

// choose marks the units that get a line, as many as there is room for: the failed ones, the running ones, the others of running stages, and then
// all units of a finished stage, if all of them fit.
func choose(stages []Stage, room int) [][]bool {
	shown := make([][]bool, len(stages))
	for i, stage := range stages {
		shown[i] = make([]bool, len(stage.Units))
	}
	take := func(wanted func(Stage, Unit) bool) {
		for i, stage := range stages {
			for j, unit := range stage.Units {
				if stage.Total > 1 && room > 0 && !shown[i][j] && wanted(stage, unit) {
					shown[i][j] = true
					room--
				}
			}
		}
	}
	take(func(_ Stage, u Unit) bool { return u.Outcome == Failed })
	take(func(_ Stage, u Unit) bool { return u.Outcome == Running })
	take(func(s Stage, u Unit) bool { return s.Outcome == Running && u.Outcome == Done })
	take(func(s Stage, _ Unit) bool { return s.Outcome == Running })
	for i, stage := range stages {
		if stage.Outcome == Done && len(stage.Units) <= room {
			take(func(s Stage, _ Unit) bool { return s.Name == stages[i].Name })
		}
	}
	return shown
}

// nameColumn returns the width of the column of names, in cells.
func nameColumn(stages []Stage, shown [][]bool, columns int) int {
	widest := 0
	for i, stage := range stages {
		widest = max(widest, cells(stage.Name))
		for j, unit := range stage.Units {
			if shown[i][j] {
				widest = max(widest, cells(unit.Name)+2)
			}
		}
	}
	return min(widest, max(8, columns/4))
}

// framer makes the lines of a frame.
type framer struct {
	columns, names int
	colors         bool
	lines          []string
}

// piece is a part of a line with its style; an empty code is the terminal's default.
type piece struct{ code, text string }

// add appends a line, cut to the width of the terminal.
func (f *framer) add(pieces ...piece) {
	var line strings.Builder
	room := f.columns
	for _, p := range pieces {
		text := cut(p.text, room)
		room -= cells(text)
		if p.code != "" {
			text = paint(f.colors, p.code, text)
		}
		line.WriteString(text)
	}
	f.lines = append(f.lines, strings.TrimRight(line.String(), " "))
}

// head writes the first line: the mix, its state, and how much of the build is done.
func (f *framer) head(b Build) {
	text := "  " + contract.Clean(b.State, 0)
	if percent := b.Percent(); percent > 0 {
		text += fmt.Sprintf("  %d%%", percent)
	}
	text += "  " + short(b.Elapsed)
	if b.Left > 0 && b.Outcome == Running {
		text += ", about " + short(b.Left) + " left"
	}
	code := map[Outcome]string{Done: green, Failed: red}[b.Outcome]
	f.add(piece{bold, contract.Clean(b.Name, 0)}, piece{code, text})
}

// stage writes the line of a stage; of a stage with one unit it shows the details of that unit.
func (f *framer) stage(s Stage) {
	total := "?"
	if s.Total > 0 {
		total = strconv.Itoa(s.Total)
	}
	detail := []string{fmt.Sprintf("%*s", 5, fmt.Sprintf("%d/%s", s.Done, total))}
	if s.Took > 0 && s.Outcome != Waiting {
		detail = append(detail, short(s.Took))
	}
	if s.Total == 1 && len(s.Units) == 1 {
		detail = append(detail, details(s.Units[0])...)
	}
	f.line(contract.Clean(s.Name, 0), s.fraction(), s.Outcome, detail)
}

// unit writes the line of a unit.
func (f *framer) unit(u Unit) {
	fraction := float64(u.Percent) / 100
	if u.Outcome == Done {
		fraction = 1
	}
	f.line("  "+contract.Clean(u.Name, 0), fraction, u.Outcome, append([]string{percentOf(u)}, details(u)...))
}

func percentOf(u Unit) string {
	switch u.Outcome {
	case Waiting:
		return "    -"
	case Failed:
		return "  failed"
	case Done:
		return " 100%"
	default:
		return fmt.Sprintf("%4d%%", u.Percent)
	}
}

// The bar of a line.
const (
	leastBar = 8
	mostBar  = 30
	// leastDetail is the number of cells for the details after the bar, before the bar gets longer than leastBar.
	leastDetail = 48
)

// line writes a name, a bar and what fits of the details.
func (f *framer) line(name string, fraction float64, outcome Outcome, details []string) {
	name = cut(name, f.names)
	pieces := []piece{{"", name + strings.Repeat(" ", f.names-cells(name)+2)}}
	if outcome == Waiting {
		pieces[0].code = dim
	}
	bar := min(mostBar, max(leastBar, f.columns-f.names-leastDetail))
	if f.columns < f.names+leastBar+10 {
		bar = 0
	}
	full := int(float64(bar) * fraction)
	color := map[Outcome]string{Done: green, Running: cyan, Failed: red, Waiting: dim}[outcome]
	pieces = append(pieces, piece{color, strings.Repeat("█", full)}, piece{dim, strings.Repeat("░", bar-full)})
	room := f.columns - f.names - 2 - bar - 1
	text := ""
	for i, detail := range details {
		next := detail
		if i > 0 {
			next = map[bool]string{true: "  ", false: ", "}[i == 1] + detail
		}
		if i > 0 && cells(text+next) > room && (i > 1 || outcome != Done) {
			break
		}
		text += next
	}
	f.add(append(pieces, piece{"", " " + text})...)
}

// details returns what is known of a unit, the more important first.
func details(u Unit) []string {
	switch {
	case u.Text != "":
		return []string{contract.Clean(u.Text, 0)}
	case u.Outcome == Waiting:
		return nil
	}
	var all []string
	add := func(there bool, text string) {
		if there {
			all = append(all, text)
		}
	}
	add(u.OfBytes > 0, view.Bytes(u.Bytes)+" of "+view.Bytes(u.OfBytes))
	add(u.OfBytes <= 0 && u.OfRows > 0, view.English.Sprintf("%d of %d rows", u.Rows, u.OfRows))
	add(u.OfBytes <= 0 && u.OfRows <= 0 && u.Bytes > 0, view.Bytes(u.Bytes))
	add(u.Left > 0, short(u.Left)+" left")
	add(u.Rate > 0 && u.Bytes > 0, view.Bytes(int64(u.Rate))+"/s")
	add(u.Rate > 0 && u.Bytes == 0, view.English.Sprintf("%d rows/s", int64(u.Rate)))
	add(u.OfRows <= 0 && u.Rows > 0, view.English.Sprintf("%d rows", u.Rows))
	add(u.Phase != "", u.Phase)
	return all
}

// short returns a duration in the units that people read, such as 4.2s, 35s, 12m05s or 3h20m.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// cells returns the width of a text on a terminal.
func cells(text string) int {
	n := 0
	for _, r := range text {
		n += cellsOf(r)
	}
	return n
}

func cellsOf(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// cut shortens a text to a width.
func cut(text string, most int) string {
	if cells(text) <= most {
		return text
	}
	var short strings.Builder
	room := most - 1 // for the mark
	for _, r := range text {
		if room -= cellsOf(r); room < 0 {
			break
		}
		short.WriteRune(r)
	}
	if most > 0 {
		short.WriteRune('…')
	}
	return short.String()
}

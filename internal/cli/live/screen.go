package live

import (
	"fmt"
	"io"
	"strings"
)

// Screen draws frames over one another as the last lines of a terminal. The text above them and the last frame remain. A frame is one write, which
// hides the cursor and shows it again: a program that is killed between two frames leaves the terminal usable.
type Screen struct {
	Out io.Writer
	// Size is called before each frame, since the size of a terminal may change.
	Size func() (columns, rows int)
	// Colors reports whether the frame is colored.
	Colors bool

	drawn  int // lines of the last frame
	widest int // cells of its longest line
}

const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	upward     = "\x1b[%dA"
	eraseRight = "\x1b[K"
	eraseBelow = "\x1b[J"
)

// Draw draws a frame in the place of the last one. If the terminal has become narrower than the last frame, that frame is left above: the terminal
// may have wrapped its lines, and the text before it must not be overwritten.
func (s *Screen) Draw(b Build) error {
	columns, rows := s.Size()
	lines := Frame(b, columns, rows, s.Colors)
	var out strings.Builder
	out.WriteString(hideCursor + "\r")
	if up := min(s.drawn, rows-1); up > 0 && s.widest <= columns {
		fmt.Fprintf(&out, upward, up)
	}
	s.drawn, s.widest = len(lines), 0
	for _, line := range lines {
		s.widest = max(s.widest, cells(plain(line)))
		out.WriteString(line + eraseRight + "\r\n")
	}
	out.WriteString(eraseBelow + showCursor)
	_, err := io.WriteString(s.Out, out.String())
	return err
}

// plain returns a line without its colors.
func plain(line string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(line, escape)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		_, line, _ = strings.Cut(rest, "m")
	}
}

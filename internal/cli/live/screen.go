package live

import (
	"fmt"
	"io"
	"strings"
)

// Screen draws frames over one another as the last lines of a terminal. What was there before stays above them, and so does the last frame.
// A frame is one write: it hides the cursor and shows it again, so a program that is killed between two leaves a terminal as it was.
type Screen struct {
	Out io.Writer
	// Size is asked before each frame: a terminal may have another by now.
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

// Draw draws a frame in the place of the last one. If the terminal was made narrower than the last frame, that one is left above: how many
// lines it was broken into is not known, and what was there before it must not be overwritten.
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

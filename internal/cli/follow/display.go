// Package follow follows a build, in this process or on a cluster, and shows it: on a terminal, in lines, or as JSON.
package follow

import (
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/live"
	"github.com/datasetmix/datasetmix/internal/contract"
)

// The values of --progress.
const (
	auto   = "auto"
	tty    = "tty"
	plain  = "plain"
	asJSON = "json"
)

var modes = []string{auto, tty, plain, asJSON}

// Flag adds --progress to a command and returns where its value will be.
func Flag(command *cobra.Command) *string {
	mode := command.Flags().String("progress", auto, "how to show progress: tty is a live view, plain a line per change, json an object per change; auto is tty on a terminal, else plain")
	_ = command.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions(modes, cobra.ShellCompDirectiveNoFileComp)) // fails for a flag that does not exist
	return mode
}

// Terminal is an output that may be a terminal. It removes from what is written whatever a terminal obeys, so a live view needs the file below.
type Terminal interface {
	// File returns the file that the output writes to, nil if it is no file.
	File() *os.File
}

// Display shows a build as --progress asks: screen is a live view, changes are JSON; with neither, it shows nothing, and lines are printed
// elsewhere.
type Display struct {
	screen  *live.Screen
	changes *live.Changes
}

// Open returns the display for a value of --progress.
func Open(mode string, out io.Writer) (*Display, error) {
	if !slices.Contains(modes, mode) {
		return nil, contract.Failf(contract.InvalidTask, "there is no --progress %q%s; take one of %s", mode, cli.DidYouMean(mode, modes), strings.Join(modes, ", "))
	}
	file := terminalOf(out)
	switch {
	case mode == tty && file == nil:
		return nil, contract.Failf(contract.InvalidTask, "--progress tty needs a terminal; take plain or json")
	case mode == asJSON:
		return &Display{changes: &live.Changes{Out: out}}, nil
	case mode == plain || file == nil || mode == auto && os.Getenv("TERM") == "dumb":
		return &Display{}, nil
	}
	size := func() (columns, rows int) {
		columns, rows, err := term.GetSize(int(file.Fd()))
		if err != nil || columns <= 0 || rows <= 0 {
			return 80, 24
		}
		return columns, rows
	}
	return &Display{screen: &live.Screen{Out: file, Size: size, Colors: os.Getenv("NO_COLOR") == ""}}, nil
}

// terminalOf returns the terminal that an output is, nil for anything else.
func terminalOf(out io.Writer) *os.File {
	to, ok := out.(Terminal)
	if !ok {
		return nil
	}
	if file := to.File(); file != nil && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

// Shows reports whether the display shows states. If not, lines are printed instead.
func (d *Display) Shows() bool { return d.screen != nil || d.changes != nil }

// IsJSON reports whether the display writes JSON, for a program.
func (d *Display) IsJSON() bool { return d.changes != nil }

// How often a state is shown.
const (
	drawEvery  = 100 * time.Millisecond
	writeEvery = time.Second
)

// Run shows the state in the background, again and again, until stop is called, which shows it for the last time. It does nothing if the display
// shows no states.
func (d *Display) Run(state func(now time.Time) live.Build) (stop func()) {
	if !d.Shows() {
		return func() {}
	}
	every := drawEvery
	if d.IsJSON() {
		every = writeEvery
	}
	ended := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticks := time.NewTicker(every)
		defer ticks.Stop()
		for {
			select {
			case <-ended:
				d.show(state(time.Now()))
				return
			case <-ticks.C:
				d.show(state(time.Now()))
			}
		}
	})
	return sync.OnceFunc(func() {
		close(ended)
		running.Wait()
	})
}

// show shows a state. A closed output does not end a build.
func (d *Display) show(b live.Build) {
	if d.screen != nil {
		_ = d.screen.Draw(b)
	} else {
		_ = d.changes.Write(b, time.Now())
	}
}

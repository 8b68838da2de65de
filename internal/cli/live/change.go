package live

import (
	"encoding/json"
	"io"
	"strings"
	"time"
)

// Change is one line of --progress json. Every line has every key. Stage and unit are empty for the whole mix, unit is empty for a stage. What is
// not known is null or 0.
type Change struct {
	Time  time.Time `json:"time"`
	Mix   string    `json:"mix"`
	Stage string    `json:"stage"`
	Unit  string    `json:"unit"`
	// State is the state of the mix in words; for a stage or a unit, it is waiting, running, done or failed.
	State string `json:"state"`
	Phase string `json:"phase"`
	// Done and Total are units of a stage.
	Done  int `json:"done"`
	Total int `json:"total"`

	Rows        int64  `json:"rows"`
	OfRows      int64  `json:"ofRows"`
	Bytes       int64  `json:"bytes"`
	OfBytes     int64  `json:"ofBytes"`
	Percent     int    `json:"percent"`
	SecondsLeft *int64 `json:"secondsLeft"`
	Text        string `json:"text"`
}

// Changes writes a line for each mix, stage or unit that differs from the last line about it.
type Changes struct {
	Out  io.Writer
	last map[[2]string]Change
}

// Write writes what has changed of a build.
func (c *Changes) Write(b Build, now time.Time) error {
	if c.last == nil {
		c.last = map[[2]string]Change{}
	}
	encoder := json.NewEncoder(c.Out)
	for _, change := range changesOf(b) {
		at := [2]string{change.Stage, change.Unit}
		compared := change
		compared.SecondsLeft = nil // changes with the clock alone
		if before, there := c.last[at]; there && before == compared {
			continue
		}
		c.last[at] = compared
		change.Time = now.UTC()
		if err := encoder.Encode(change); err != nil {
			return err
		}
	}
	return nil
}

// changesOf returns the lines of a build: of units that have begun, of stages, and of the whole mix.
func changesOf(b Build) []Change {
	var all []Change
	for _, stage := range b.Stages {
		for _, unit := range stage.Units {
			if unit.Outcome != Waiting {
				all = append(all, Change{Stage: stage.Name, Unit: unit.Name, State: unit.Outcome.String(), Phase: unit.Phase, Rows: unit.Rows, OfRows: unit.OfRows,
					Bytes: unit.Bytes, OfBytes: unit.OfBytes, Percent: unit.Percent, SecondsLeft: seconds(unit.Left), Text: unit.Text})
			}
		}
		all = append(all, Change{Stage: stage.Name, State: stage.Outcome.String(), Done: stage.Done, Total: stage.Total, Percent: int(100 * stage.fraction())})
	}
	all = append(all, Change{State: b.State, Percent: b.Percent(), SecondsLeft: seconds(b.Left), Text: strings.Join(b.Notes, "; ")})
	for i := range all {
		all[i].Mix = b.Name
	}
	return all
}

func seconds(d time.Duration) *int64 {
	if d <= 0 {
		return nil
	}
	n := int64(d.Round(time.Second) / time.Second)
	return &n
}

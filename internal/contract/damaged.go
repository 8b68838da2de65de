package contract

import "errors"

// damagedKeyLength is how many characters of a key name a unit in a message: enough to tell those of one mix apart.
const damagedKeyLength = 10

// mostDamaged is how many units a message names. More are found when the stage is run again.
const mostDamaged = 128

// Damaged is the failure of a unit that found finished units of earlier stages to be other than their stages left them. They are
// removed by then: whoever runs their stages again has them made again.
type Damaged struct {
	// Keys of the units, cut so that a message has room for them.
	Keys []string
	Err  error
}

// DamagedUnits returns the failure of a unit because of damaged units, which are given by their keys.
func DamagedUnits(keys []string, err error) error {
	d := &Damaged{Err: err}
	for _, key := range keys[:min(len(keys), mostDamaged)] {
		d.Keys = append(d.Keys, key[:min(len(key), damagedKeyLength)])
	}
	return d
}

func (d *Damaged) Error() string { return d.Err.Error() }

func (d *Damaged) Unwrap() error { return d.Err }

// NoteOf returns a failure as a termination message has it.
func NoteOf(err error) FailureNote {
	note := FailureNote{Reason: ReasonOf(err), Message: err.Error()}
	if damaged, ok := errors.AsType[*Damaged](err); ok {
		note.Damaged = damaged.Keys
	}
	return note
}

package contract

import (
	"testing"
	"time"
)

// TestKeeps: which pods keep a revision that was the newest from minute 100 to minute 200, at minute 1000.
func TestKeeps(t *testing.T) {
	at := func(minutes int) time.Time {
		return time.Unix(1_700_000_000, 0).Add(time.Duration(minutes) * time.Minute)
	}
	tests := []struct {
		name string
		keep Keep
		want bool
	}{
		{name: "nobody"},
		{name: "by name", keep: Keep{Holds: []Hold{{Revision: "r"}}}, want: true},
		{name: "another by name", keep: Keep{Holds: []Hold{{Revision: "s"}}}},
		{name: "looked up before", keep: Keep{Holds: []Hold{{From: at(90), Until: at(98)}}}},
		{name: "looked up when it came", keep: Keep{Holds: []Hold{{From: at(90), Until: at(101)}}}, want: true},
		{name: "by a clock that is slow", keep: Keep{Holds: []Hold{{From: at(99), Until: at(100)}}}, want: true},
		{name: "looked up in between", keep: Keep{Holds: []Hold{{From: at(150), Until: at(150)}}}, want: true},
		{name: "looked up when it went", keep: Keep{Holds: []Hold{{From: at(199), Until: at(210)}}}, want: true},
		{name: "looked up after", keep: Keep{Holds: []Hold{{From: at(202), Until: at(210)}}}},
		{name: "the whole volume, from before", keep: Keep{Holds: []Hold{{From: at(10)}}}, want: true},
		{name: "the whole volume, from after", keep: Keep{Holds: []Hold{{From: at(202)}}}},
		{name: "one of several", keep: Keep{Holds: []Hold{{Revision: "s"}, {From: at(202)}, {From: at(120), Until: at(121)}}}, want: true},
		{name: "young", keep: Keep{Seconds: 801 * 60}, want: true},
		{name: "old", keep: Keep{Seconds: 800 * 60}},
	}
	for _, test := range tests {
		if got := test.keep.Keeps("r", at(100), at(200), at(1000)); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	if !(Hold{From: at(500), Until: at(501)}).Covers("r", at(100), time.Time{}) {
		t.Error("the newest revision is not held by who looks it up")
	}
}

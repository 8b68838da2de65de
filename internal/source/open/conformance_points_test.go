package open_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// point is one way in which a transfer goes wrong.
type point string

// The points that every kind of source must meet.
const (
	cutAnywhere    point = "the connection is cut at every tenth of the file"
	changedMidFile point = "the file changes while it is read"
	askedToWait    point = "429 with Retry-After"
	burstOf5xx     point = "a burst of 5xx"
	shortBody      point = "a short body"
	longBody       point = "a longer body"
	wrongDigest    point = "other bytes of the right size"
	toOtherHost    point = "a redirect to another host"
	toHTTP         point = "a redirect from https to http"
	toMetadata     point = "a redirect to 169.254.169.254"
	redirectLoop   point = "a loop of redirects"
	slowLoris      point = "a server that sends a byte now and then"
	failingDNS     point = "a DNS that fails and recovers"
	jumpingClock   point = "a clock that jumps"
)

var points = []point{
	cutAnywhere, changedMidFile, askedToWait, burstOf5xx, shortBody, longBody, wrongDigest,
	toOtherHost, toHTTP, toMetadata, redirectLoop, slowLoris, failingDNS, jumpingClock,
}

// everyPoint returns one reason for all of them.
func everyPoint(why string) map[point]string {
	out := map[point]string{}
	for _, p := range points {
		out[p] = why
	}
	return out
}

// TestEveryPointIsMetByEveryKind is the table of points and kinds: a cell is a case of the suite, or a reason why there can be
// none. TestConformance runs the cases, and fails where a kind has neither.
func TestEveryPointIsMetByEveryKind(t *testing.T) {
	cases := map[point][]string{}
	for _, c := range suite {
		if c.point != "" {
			cases[c.point] = append(cases[c.point], c.name)
		}
	}
	var table strings.Builder
	for _, p := range points {
		fmt.Fprintf(&table, "\n%s: %s", p, strings.Join(cases[p], "; "))
		if len(cases[p]) == 0 {
			t.Errorf("no case of the suite is about %s", p)
		}
		for _, k := range kinds {
			if why, ok := k.without[p]; ok {
				fmt.Fprintf(&table, "\n    not %s: %s", k.name, why)
				if why == "" {
					t.Errorf("%s goes without %s for no reason", k.name, p)
				}
			}
		}
		delete(cases, p)
	}
	for p := range cases {
		t.Errorf("%q is no point", p)
	}
	t.Log(table.String())
}

// TestListingsHoldNoCredential: what is kept of a source, in files and in the status, is made of its listing.
func TestListingsHoldNoCredential(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := k.make(newWire(t, wireOptions{}))
			l, err := s.source.Resolve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			written, err := json.Marshal(l)
			if err != nil || len(l.Files) != 1 || s.secret != "" && strings.Contains(string(written), s.secret) {
				t.Errorf("%v: %s", err, written)
			}
		})
	}
}

// Package outcome decides why a mix is not published: the outcome of a pass, with the reason and the message of the conditions. It is a pure
// function of what was observed.
package outcome

// Package outcome says why a mix is not published: what a pass comes to, with the reason and the message of the conditions. What it
// says follows from what was observed; it is pure.
package outcome

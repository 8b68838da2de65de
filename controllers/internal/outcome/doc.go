// Package outcome has the outcomes of a pass: why a mix is not published, with the reason and the message of its conditions. It is pure.
package outcome

// Package readers finds which pods read the revisions of a mix, and which old revisions must stay for them. It is pure: pods as they were
// listed in, revisions out.
package readers

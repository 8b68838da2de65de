// Package readers finds the pods that read the revisions of a mix, and the old revisions that must be kept for them. It is pure.
package readers

// Package ledger is the record of the work on a mix, in a ConfigMap: results by content key, the failures of Jobs by the Jobs' names, and the
// requests that were handled. All are facts that outlive the pods that reported them. The package is pure.
package ledger

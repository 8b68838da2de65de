// Package ledger reads and writes the record of the work on a mix, which is kept in a ConfigMap: results by content key, failures by the name of their
// Job, and the requests that were handled. They outlive the pods that reported them. The package is pure.
package ledger

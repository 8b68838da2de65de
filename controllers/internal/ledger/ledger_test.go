package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/controllers/internal/fixture"
	"github.com/datasetmix/datasetmix/controllers/internal/jobs"
	"github.com/datasetmix/datasetmix/controllers/internal/ledger"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/render"
)

// TestLedger: what is written is read again, and another location's ledger is empty.
func TestLedger(t *testing.T) {
	b := fixture.Small().Finish(5)
	b.Ledger.Failures["job"] = jobs.Failure{FailureNote: contract.FailureNote{Reason: contract.FetchFailed, Message: "no route"}, Pod: "p"}
	data, err := b.Ledger.Data()
	if err != nil {
		t.Fatal(err)
	}
	config := render.Results(b.Mix, b.Target.Location, data)
	if diff := cmp.Diff(b.Ledger, ledger.Read(config, b.Target.Location)); diff != "" {
		t.Errorf("ledger (-written +read):\n%s", diff)
	}
	config.Data["broken"] = "{"
	if got := ledger.Read(config, b.Target.Location); len(got.Results) != len(b.Ledger.Results) {
		t.Errorf("an entry that cannot be read: got %d results, want %d", len(got.Results), len(b.Ledger.Results))
	}
	moved := b.Target.Location
	moved.ClaimUID = "made again"
	if got := ledger.Read(config, moved); len(got.Results)+len(got.Failures) != 0 {
		t.Errorf("the ledger of another claim: %v", got)
	}
}

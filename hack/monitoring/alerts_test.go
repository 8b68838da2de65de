package monitoring

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/promqltest"
)

// TestAlerts: which alerts fire after a day of these series, one sample a minute. An alert fires if its expression held without a
// break for as long as its rule says.
func TestAlerts(t *testing.T) {
	const well = `up{job="datasetmix-manager-metrics"} 1x1440`
	tests := []struct {
		name   string
		series []string
		want   []string
	}{
		{name: "all is well", series: []string{well,
			`datasetmix_resource_stalled{namespace="n",name="m"} 0x1440`, `datasetmix_resource_reconciling{namespace="n",name="m"} 0x1440`,
			`datasetmix_source_fetch_errors_total{reason="FetchFailed"} 7x1440`, `datasetmix_read_back_total 3x1440`,
			`controller_runtime_reconcile_errors_total{controller="datasetmix"} 0+1x1440`, `datasetmix_resource_writes_total{namespace="n",name="m"} 0+60x1440`,
		}},
		{name: "stalled for 14 minutes", series: []string{well, `datasetmix_resource_stalled{namespace="n",name="m"} 0x1426 1x14`}},
		{name: "stalled for 20 minutes", series: []string{well, `datasetmix_resource_stalled{namespace="n",name="m"} 0x1419 1x20`}, want: []string{"DatasetMixStalled"}},
		{name: "under way for an hour", series: []string{well, `datasetmix_resource_reconciling{namespace="n",name="m"} 0x1380 1x60`}},
		{name: "under way all day", series: []string{well, `datasetmix_resource_reconciling{namespace="n",name="m"} 1x1440`}, want: []string{"DatasetMixSlow"}},
		{name: "one download failed", series: []string{well, `datasetmix_source_fetch_errors_total{reason="FetchFailed"} 0x1430 1x10`}},
		{name: "downloads fail", series: []string{well, `datasetmix_source_fetch_errors_total{reason="FetchFailed"} 0x1410 0+1x30`}, want: []string{"DatasetMixDownloadsFail"}},
		{name: "results were lost", series: []string{well, `datasetmix_read_back_total 0x1410 1x30`}, want: []string{"DatasetMixResultsReadBack"}},
		{name: "no manager", series: []string{`up{job="datasetmix-manager-metrics"} 1x1400 0x40`}, want: []string{"DatasetMixOperatorDown"}},
		{name: "one of two managers", series: []string{`up{job="datasetmix-manager-metrics",pod="a"} 0x1440`, `up{job="datasetmix-manager-metrics",pod="b"} 1x1440`}},
		{name: "every pass fails", series: []string{well, `controller_runtime_reconcile_errors_total{controller="datasetmix"} 0+60x1440`}, want: []string{"DatasetMixOperatorFails"}},
		{name: "one mix of eight writes a second", series: []string{well, `datasetmix_resource_writes_total{namespace="n",name="m"} 0+480x1440`}, want: []string{"DatasetMixHotLoop"}},
		{name: "eight mixes of one write a second", series: []string{well,
			`datasetmix_resource_writes_total{namespace="n",name="a"} 0+60x1440`, `datasetmix_resource_writes_total{namespace="n",name="b"} 0+60x1440`,
			`datasetmix_resource_writes_total{namespace="n",name="c"} 0+60x1440`, `datasetmix_resource_writes_total{namespace="n",name="d"} 0+60x1440`,
			`datasetmix_resource_writes_total{namespace="n",name="e"} 0+60x1440`, `datasetmix_resource_writes_total{namespace="n",name="f"} 0+60x1440`,
			`datasetmix_resource_writes_total{namespace="n",name="g"} 0+60x1440`, `datasetmix_resource_writes_total{namespace="n",name="h"} 0+60x1440`,
		}},
	}
	rules, fired := alerts(t), map[string]bool{}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			load := "load 1m\n"
			for _, series := range test.series {
				load += "  " + series + "\n"
			}
			storage := promqltest.LoadedStorage(t, load)
			engine := promqltest.NewTestEngine(t, false, 0, 100_000)
			end := time.Unix(0, 0).Add(24 * time.Hour)
			var got []string
			for name, rule := range rules {
				hold := time.Duration(rule.For)
				query, err := engine.NewRangeQuery(t.Context(), storage, nil, rule.Expr, end.Add(-hold), end, time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				matrix, err := query.Exec(t.Context()).Matrix()
				if err != nil {
					t.Fatal(err)
				}
				for _, series := range matrix {
					if len(series.Floats) == int(hold/time.Minute)+1 {
						got = append(got, name)
						fired[name] = true
						break
					}
				}
				query.Close()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
		})
	}
	for name := range rules {
		if !fired[name] {
			t.Errorf("no case makes %s fire", name)
		}
	}
}

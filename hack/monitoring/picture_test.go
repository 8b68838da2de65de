package monitoring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/util/teststorage"
)

// picture is what docs/metrics.md shows of the dashboard.
const picture = "../../docs/pictures/dashboard.svg"

// afternoon is two hours of a manager's metrics, one sample a minute: three mixes are built and edited, and one stalls.
const afternoon = `load 1m
  datasetmix_resource_ready{namespace="research",name="grpo-six"} 0x12 1x58 0x4 1x46
  datasetmix_resource_ready{namespace="research",name="chats"} 0x40 1x80
  datasetmix_resource_ready{namespace="vision",name="captions"} 0x120
  datasetmix_resource_reconciling{namespace="research",name="grpo-six"} 1x12 0x58 1x4 0x46
  datasetmix_resource_reconciling{namespace="vision",name="captions"} 1x75 0x45
  datasetmix_resource_stalled{namespace="research",name="grpo-six"} 0x120
  datasetmix_resource_stalled{namespace="vision",name="captions"} 0x75 1x45
  datasetmix_resource_suspended{namespace="research",name="chats"} 0x120
  datasetmix_revisions_total{result="published"} 0x12 1x28 2x33 3x47
  datasetmix_revisions_total{result="stalled"} 0x75 1x45
  datasetmix_stalls_total{reason="RetriesExhausted"} 0x75 1x45
  datasetmix_stage_duration_seconds_bucket{stage="download",le="60"} 0+1x120
  datasetmix_stage_duration_seconds_bucket{stage="download",le="600"} 0+3x60 180+1x60
  datasetmix_stage_duration_seconds_bucket{stage="download",le="+Inf"} 0+3x60 180+1x60
  datasetmix_stage_duration_seconds_bucket{stage="split",le="60"} 0+2x120
  datasetmix_stage_duration_seconds_bucket{stage="split",le="600"} 0+2x40 80+3x80
  datasetmix_stage_duration_seconds_bucket{stage="split",le="+Inf"} 0+2x40 80+3x80
  datasetmix_source_fetch_bytes_total 0+3000000000x50 150000000000+400000000x70
  datasetmix_source_fetch_errors_total{reason="FetchFailed"} 0x60 1+1x10 11x50
  datasetmix_jobs_created_total{stage="download"} 0+1x20 20x50 20+1x10 30x40
  datasetmix_jobs_created_total{stage="split"} 0x10 0+1x20 20x50 20+1x10 30x30
  datasetmix_read_back_total 0x90 1x30
  datasetmix_job_duplicate_avoided_total 0x120
  datasetmix_reconcile_writes_total{verb="create",kind="Job"} 0+2x30 60x50 60+2x40
  datasetmix_reconcile_writes_total{verb="patch",kind="DatasetMix"} 0+15x30 450+1x50 500+12x40
  controller_runtime_reconcile_total{controller="datasetmix",result="success"} 0+40x30 1200+4x50 1400+30x40
  controller_runtime_reconcile_total{controller="datasetmix",result="requeue_after"} 0+6x120
  controller_runtime_reconcile_errors_total{controller="datasetmix"} 0x70 0+1x10 10x40
  controller_runtime_reconcile_time_seconds_bucket{controller="datasetmix",le="0.05"} 0+40x120
  controller_runtime_reconcile_time_seconds_bucket{controller="datasetmix",le="0.5"} 0+41x60 2460+45x60
  controller_runtime_reconcile_time_seconds_bucket{controller="datasetmix",le="+Inf"} 0+41x60 2460+45x60
`

// drawn is a panel with what its expressions give.
type drawn struct {
	Title   string         `json:"title"`
	Type    string         `json:"type"`
	GridPos map[string]int `json:"gridPos"`
	Targets []struct {
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
	} `json:"targets"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

// line is one series of a panel.
type line struct {
	legend string
	points []promql.FPoint
}

// From and to when the panels show the afternoon.
var (
	begin = time.Unix(0, 0).Add(10 * time.Minute)
	end   = time.Unix(0, 0).Add(120 * time.Minute)
)

func (p drawn) lines(t *testing.T, engine *promql.Engine, storage *teststorage.TestStorage) (all []line) {
	t.Helper()
	variables := strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*")
	for _, target := range p.Targets {
		query, err := engine.NewRangeQuery(t.Context(), storage, nil, variables.Replace(target.Expr), begin, end, time.Minute)
		if err != nil {
			t.Fatalf("%s: %v", p.Title, err)
		}
		matrix, err := query.Exec(t.Context()).Matrix()
		if err != nil {
			t.Fatalf("%s: %v", p.Title, err)
		}
		for _, series := range matrix {
			legend := regexp.MustCompile(`{{(\w+)}}`).ReplaceAllStringFunc(target.LegendFormat, func(label string) string {
				return series.Metric.Get(strings.Trim(label, "{}"))
			})
			if target.LegendFormat != "" && strings.Trim(legend, " /") == "" {
				t.Errorf("%s: %s leaves a series without a name", p.Title, target.Expr)
			}
			all = append(all, line{legend, append([]promql.FPoint{}, series.Floats...)})
		}
		query.Close()
	}
	return all
}

// TestPictureOfTheDashboard: every panel has data in an afternoon of the manager's metrics, every series a name, and the documentation's
// picture shows them. UPDATE=1 draws it again.
func TestPictureOfTheDashboard(t *testing.T) {
	var dashboard struct {
		Title  string  `json:"title"`
		Panels []drawn `json:"panels"`
	}
	if err := json.Unmarshal(read(t, config+"dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	storage, engine := promqltest.LoadedStorage(t, afternoon), promqltest.NewTestEngine(t, false, 0, 100_000)
	var panels strings.Builder
	height := 0
	for _, p := range dashboard.Panels {
		lines := p.lines(t, engine, storage)
		if len(lines) == 0 {
			t.Errorf("%s has no data", p.Title)
			continue
		}
		p.draw(&panels, lines)
		height = max(height, cell*(p.GridPos["y"]+p.GridPos["h"]))
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img" aria-label="%s">`+"\n", 24*cell, height, html.EscapeString(dashboard.Title))
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" fill="#f4f5f5"/>`+"\n%s</svg>\n", panels.String())
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(picture, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(read(t, picture), out.Bytes()) {
		t.Errorf("%s is not what the dashboard shows: UPDATE=1 make monitoring draws it again", picture)
	}
}

const (
	cell  = 36 // pixels of a cell of the dashboard's grid
	title = 24 // of a panel's title
	names = 34 // of the names of its series, below it
)

// colors are told apart by most people who see colors otherwise (Okabe and Ito, Color Universal Design, 2008).
var colors = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"}

func (p drawn) draw(out *strings.Builder, lines []line) {
	width, height := cell*p.GridPos["w"]-8, cell*p.GridPos["h"]-8
	fmt.Fprintf(out, `<g transform="translate(%d %d)"><rect width="%d" height="%d" rx="3" fill="#fff" stroke="#ccc"/><text x="8" y="17" font-weight="bold">%s</text>`+"\n",
		cell*p.GridPos["x"]+4, cell*p.GridPos["y"]+4, width, height, html.EscapeString(p.Title))
	switch p.Type {
	case "stat":
		last := lines[0].points[len(lines[0].points)-1]
		fmt.Fprintf(out, `<text x="%d" y="%d" font-size="48" text-anchor="middle" fill="%s">%g</text>`, width/2, height/2+26, colors[0], last.F)
	case "table":
		for i, l := range lines {
			fmt.Fprintf(out, `<text x="8" y="%d">%s</text>`, title+20*(i+1), html.EscapeString(l.legend))
		}
	default:
		p.plot(out, lines, width, height)
	}
	out.WriteString("</g>\n")
}

// plot draws the lines of a time series, the greatest value at the top, and their names.
func (p drawn) plot(out *strings.Builder, lines []line, width, height int) {
	most := 0.0
	for _, l := range lines {
		for _, point := range l.points {
			if !math.IsNaN(point.F) {
				most = max(most, point.F)
			}
		}
	}
	const left = 60
	top, bottom := title+6, height-names
	fmt.Fprintf(out, `<path d="M%d %dV%dH%d" fill="none" stroke="#888"/><text x="%d" y="%d" text-anchor="end">%.3g</text><text x="%d" y="%d" text-anchor="end">0</text><text x="%d" y="%d" fill="#666">%s</text>`+"\n",
		left, top, bottom, width-8, left-6, top+8, most, left-6, bottom, 8, top+8+16, html.EscapeString(p.FieldConfig.Defaults.Unit))
	for i, l := range lines {
		var path strings.Builder
		step := "M"
		for _, point := range l.points {
			if math.IsNaN(point.F) {
				continue
			}
			x := float64(left) + float64(width-8-left)*float64(point.T-begin.UnixMilli())/float64(end.Sub(begin).Milliseconds())
			y := float64(bottom) - float64(bottom-top)*point.F/max(most, math.SmallestNonzeroFloat64)
			fmt.Fprintf(&path, "%s%.1f %.1f", step, x, y)
			step = "L"
		}
		color := colors[i%len(colors)]
		fmt.Fprintf(out, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/><text x="%d" y="%d" fill="%s">%s</text>`+"\n",
			path.String(), color, left+180*(i%2), bottom+15+14*(i/2), color, html.EscapeString(l.legend))
	}
}

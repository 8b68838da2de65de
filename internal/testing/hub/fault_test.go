package hub_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// received is what a client got of an answer; bodies of more than 12 bytes are given by their length alone.
type received struct {
	Status  int
	Length  int64
	Body    string
	Broken  bool // the connection ended before the promised length
	Stalled bool // nothing more came
}

func receive(t *testing.T, url string, header ...string) received {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return received{Broken: true}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	got := received{Status: res.StatusCode, Length: res.ContentLength, Body: string(body), Broken: err != nil}
	if ctx.Err() != nil {
		got.Broken, got.Stalled = false, true
	}
	return got
}

func TestEffects(t *testing.T) {
	const content = "0123456789"
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "digits", time.Time{}, strings.NewReader(content))
	})
	for _, tc := range []struct {
		name   string
		do     hub.Effect
		header []string
		want   received
	}{
		{"a status", hub.Answer(503, "Retry-After", "7"), nil, received{Status: 503, Length: 19, Body: "Service Unavailable"}},
		{"cut in the middle", hub.CutAfter(4), nil, received{Status: 200, Length: 10, Body: "0123", Broken: true}},
		{"cut at the end", hub.CutAfter(99), nil, received{Status: 200, Length: 10, Body: "0123456789"}},
		{"stall", hub.StallAfter(4), nil, received{Status: 200, Length: 10, Body: "0123", Stalled: true}},
		{"trickle", hub.TrickleAfter(4, time.Hour), nil, received{Status: 200, Length: 10, Body: "0123", Stalled: true}},
		{"trickle to the end", hub.TrickleAfter(4, time.Microsecond), nil, received{Status: 200, Length: 10, Body: content}},
		{"short", hub.Short(3), nil, received{Status: 200, Length: 7, Body: "0123456"}},
		{"shorter than nothing", hub.Short(30), nil, received{Status: 200, Length: 0}},
		{"long", hub.Long(2), nil, received{Status: 200, Length: 12, Body: "0123456789\x00\x00"}},
		{"other bytes", hub.Corrupt(), nil, received{Status: 200, Length: 10, Body: string(flip(content))}},
		{"range", hub.CutAfter(2), []string{"Range", "bytes=5-"}, received{Status: 206, Length: 5, Body: "56", Broken: true}},
		{"range ignored", hub.IgnoreRange(), []string{"Range", "bytes=5-"}, received{Status: 200, Length: 10, Body: content}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var faults hub.Faults
			faults.Add(hub.Fault{Do: tc.do})
			url := start(t, faults.Handler(nil, next))
			if diff := cmp.Diff(tc.want, receive(t, url, tc.header...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			right := received{Status: 200, Length: 10, Body: content}
			if diff := cmp.Diff(right, receive(t, url)); diff != "" {
				t.Errorf("the fault acted more than once (-want +got):\n%s", diff)
			}
		})
	}
}

func flip(s string) []byte {
	out := []byte(s)
	for i := range out {
		out[i] ^= 0xff
	}
	return out
}

func TestHeadersLeftOut(t *testing.T) {
	h, endpoint := serve(t, hub.Options{}, letters())
	h.Faults.Add(hub.Fault{On: hub.KindHead, Do: hub.Without("X-Linked-Size", "X-Repo-Commit")})
	res, _ := ask(t, "HEAD", endpoint+"/datasets/acme/letters/resolve/main/data/train-0.parquet")
	if res.Header.Get("X-Linked-Size")+res.Header.Get("X-Repo-Commit") != "" || res.Header.Get("X-Linked-Etag") == "" {
		t.Errorf("headers %v", res.Header)
	}
}

func TestWhichRequestsAFaultHits(t *testing.T) {
	path := "/datasets/acme/letters/resolve/main/README.md"
	for _, tc := range []struct {
		name   string
		faults []hub.Fault
		want   []int
	}{
		{"none", nil, []int{307, 307, 307, 307}},
		{"once", []hub.Fault{{Do: hub.Answer(500)}}, []int{500, 307, 307, 307}},
		{"later, twice", []hub.Fault{{After: 1, Times: 2, Do: hub.Answer(500)}}, []int{307, 500, 500, 307}},
		{"always", []hub.Fault{{Times: -1, Do: hub.Answer(500)}}, []int{500, 500, 500, 500}},
		{"another kind", []hub.Fault{{On: hub.KindTree, Times: -1, Do: hub.Answer(500)}}, []int{307, 307, 307, 307}},
		{"another path", []hub.Fault{{Path: "train", Times: -1, Do: hub.Answer(500)}}, []int{307, 307, 307, 307}},
		{"one after the other", []hub.Fault{{Do: hub.Answer(500)}, {After: 1, Do: hub.Answer(502)}}, []int{500, 307, 502, 307}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, endpoint := serve(t, hub.Options{}, letters())
			h.Faults.Add(tc.faults...)
			var got []int
			for range tc.want {
				res, _ := ask(t, "GET", endpoint+path)
				got = append(got, res.StatusCode)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("cleared", func(t *testing.T) {
		h, endpoint := serve(t, hub.Options{}, letters())
		h.Faults.Add(hub.Fault{Times: -1, Do: hub.Answer(500)})
		h.Faults.Clear()
		if res, _ := ask(t, "GET", endpoint+path); res.StatusCode != http.StatusTemporaryRedirect {
			t.Errorf("after Clear: %s", res.Status)
		}
	})
}

func TestCounts(t *testing.T) {
	h, endpoint := serve(t, hub.Options{}, letters())
	large := endpoint + "/datasets/acme/letters/resolve/main/data/train-0.parquet"
	ask(t, "GET", endpoint+"/api/datasets/acme/letters")
	ask(t, "GET", endpoint+"/api/datasets/acme/letters/tree/main")
	ask(t, "HEAD", large)
	if got := h.Downloads(); got != 0 {
		t.Errorf("%d downloads before the first", got)
	}
	h.Faults.Add(hub.Fault{On: hub.KindCDN, Do: hub.CutAfter(1000)})
	receive(t, large)
	receive(t, large)
	receive(t, endpoint+"/datasets/acme/letters/resolve/main/README.md")
	want := map[hub.Kind]int{
		hub.KindInfo: 1, hub.KindTree: 1, hub.KindHead: 1, hub.KindResolve: 3,
		hub.KindCDN: 2, hub.KindBlob: 1,
	}
	if diff := cmp.Diff(want, h.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	// Go's client asks for gzip, so README.md came compressed: its length is not the file's.
	if h.Downloads() != 3 || h.Bytes() < 7000 {
		t.Errorf("%d downloads, %d bytes", h.Downloads(), h.Bytes())
	}
	h.ResetCounts()
	if len(h.Counts()) != 0 || h.Bytes() != 0 {
		t.Errorf("after ResetCounts: %v, %d bytes", h.Counts(), h.Bytes())
	}
}

func TestAccessLog(t *testing.T) {
	var log bytes.Buffer
	now := func() time.Time { return time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC) }
	h := hub.New(hub.Options{AccessLog: &log, Now: now}, letters())
	server := httptest.NewServer(h)
	h.Faults.Add(hub.Fault{On: hub.KindCDN, Do: hub.CutAfter(1000)})
	receive(t, server.URL+"/healthz")
	receive(t, server.URL+"/datasets/acme/letters/resolve/main/data/train-0.parquet")
	server.Close() // waits for the handlers, and so for their lines
	want := strings.Join([]string{
		"2026-08-01T12:00:00Z 200        3 GET /healthz",
		"2026-08-01T12:00:00Z 302        0 GET /datasets/acme/letters/resolve/main/data/train-0.parquet",
		"2026-08-01T12:00:00Z 200     1000 GET /cdn/xet-bridge-us/" + hexSHA256(strings.Repeat("large ", 1000)),
		"",
	}, "\n")
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKindOf(t *testing.T) {
	for line, want := range map[string]hub.Kind{
		"GET /api/datasets/a/b":                      hub.KindInfo,
		"GET /api/datasets/a/b/revision/main":        hub.KindInfo,
		"GET /api/datasets/a/b/tree/main":            hub.KindTree,
		"GET /api/datasets/a/b/auth-check":           hub.KindOther,
		"HEAD /datasets/a/b/resolve/main/x":          hub.KindHead,
		"GET /datasets/a/b/resolve/main/x":           hub.KindResolve,
		"GET /api/resolve-cache/datasets/a/b/main/x": hub.KindBlob,
		"GET /cdn/xet-bridge-us/0":                   hub.KindCDN,
		"GET /healthz":                               hub.KindOther,
	} {
		method, path, _ := strings.Cut(line, " ")
		req, err := http.NewRequestWithContext(context.Background(), method, "http://hub"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := hub.KindOf(req); got != want {
			t.Errorf("%s is %s, want %s", line, got, want)
		}
	}
}

func start(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

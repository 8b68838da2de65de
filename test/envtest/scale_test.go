package envtest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

const (
	// scaleVariable says how many mixes there are; make scale says 1000.
	scaleVariable = "SCALE"
	scaleDefault  = 200
	// scaleTenth: the cost of all is compared with that of a tenth, at least scaleFew, in the same process before.
	scaleTenth = 10
	scaleFew   = 20
	// scaleJudged is the tenth from which on the processor's ticks are fine enough to judge by.
	scaleJudged = 100
	// scaleRecorded is the number of mixes that the recorded memory is for.
	scaleRecorded = 1000
	// inFlight is the number of mixes that are built at the same time, few enough that times measure the manager and not its queue.
	inFlight = 16
	// tolerance is how much more than the recorded figure is let pass.
	tolerance = 1.2
)

// scaleRecord is testdata/scale.json: figures as they were measured.
type scaleRecord struct {
	// WritesPerMix and CallsPerMix are what the API server was asked for one build, Events apart.
	WritesPerMix, CallsPerMix float64
	// PeakMiB is the manager's memory with 1,000 mixes.
	PeakMiB float64
	// Machine is what the figures below were measured on: they are compared with no other.
	Machine string
	// CPUPerMix is processor time of the manager, and the others are 95th percentiles (see batch), all in milliseconds.
	CPUPerMix, FirstJob, NextJob, Ready float64
}

// batch has the cost of several concurrent builds.
type batch struct {
	mixes int
	cpu   time.Duration
	wall  time.Duration
	// memory of the manager after it, in MiB, and the most that there was.
	memory, peak float64
	calls        []auditEvent
	// first: from the creation of a mix to its first Job; next: from the end of a Job to the next one; ready: from the end of
	// the last Job to the condition.
	first, next, ready []time.Duration
}

// TestScale: the manager's cost of a mix does not grow with the number of mixes.
func TestScale(t *testing.T) {
	needServer(t)
	number := scaleDefault
	if text := os.Getenv(scaleVariable); text != "" {
		var err error
		if number, err = strconv.Atoi(text); err != nil || number < 2*scaleFew {
			t.Fatalf("%s must be a number of at least %d: %q", scaleVariable, 2*scaleFew, text)
		}
	}
	m := startProgram(t)
	fleet, err := newFleet(t.Context(), 2*inFlight)
	if err != nil {
		t.Fatal(err)
	}
	l := load{t: t, fleet: fleet, manager: m}
	l.batch("warm", inFlight) // the first passes fill connections and pools
	few := l.batch("few", max(scaleFew, number/scaleTenth))
	many := l.batch("many", number)
	for _, b := range []batch{few, many} {
		t.Log(b)
	}
	judge(t, few, many)
}

func judge(t *testing.T, few, many batch) {
	t.Helper()
	encoded, err := os.ReadFile(filepath.Join("testdata", "scale.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded scaleRecord
	if err := json.Unmarshal(encoded, &recorded); err != nil {
		t.Fatal(err)
	}
	got := scaleRecord{
		WritesPerMix: many.writesPerMix(), CallsPerMix: many.callsPerMix(), PeakMiB: many.peak, Machine: machine(t), CPUPerMix: many.cpuPerMix(),
		FirstJob: milliseconds(p95(many.first)), NextJob: milliseconds(p95(many.next)), Ready: milliseconds(p95(many.ready)),
	}
	t.Logf("recorded %+v, now %+v; each mix adds %.0f KiB", recorded, got, (many.memory-few.memory)*1024/float64(many.mixes))
	atMost := func(what string, got, limit float64) {
		t.Helper()
		if got > limit || math.IsNaN(got) {
			t.Errorf("%s: %.2f, want at most %.2f", what, got, limit)
		}
	}
	atMost("writes per mix", got.WritesPerMix, tolerance*recorded.WritesPerMix)
	atMost("calls per mix", got.CallsPerMix, tolerance*recorded.CallsPerMix)
	if few.mixes >= scaleJudged {
		ratio := many.cpuPerMix() / few.cpuPerMix()
		t.Logf("processor time per mix among many is %.2f times that among few", ratio)
		atMost("processor time per mix among many, of that among few", ratio, tolerance)
	}
	if many.mixes != scaleRecorded {
		return
	}
	atMost("memory at its peak in MiB", got.PeakMiB, tolerance*recorded.PeakMiB)
	if got.Machine != recorded.Machine {
		t.Logf("times are not compared: they were recorded on %q, this is %q", recorded.Machine, got.Machine)
		return
	}
	atMost("milliseconds of processor per mix", got.CPUPerMix, tolerance*recorded.CPUPerMix)
	atMost("milliseconds from a mix to its first Job, p95", got.FirstJob, tolerance*recorded.FirstJob)
	atMost("milliseconds from the end of a Job to the next, p95", got.NextJob, tolerance*recorded.NextJob)
	atMost("milliseconds from the last Job to Ready, p95", got.Ready, tolerance*recorded.Ready)
}

// machine returns what times depend on most.
func machine(t *testing.T) string {
	t.Helper()
	encoded, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	_, model, _ := strings.Cut(string(encoded), "model name")
	model, _, _ = strings.Cut(model, "\n")
	return fmt.Sprintf("%d × %s", runtime.NumCPU(), strings.TrimLeft(model, "\t: "))
}

func (b batch) cpuPerMix() float64 { return milliseconds(b.cpu) / float64(b.mixes) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (b batch) callsPerMix() float64 { return float64(len(b.calls)) / float64(b.mixes) }

func (b batch) writesPerMix() float64 {
	writes := 0
	for _, event := range b.calls {
		if event.writes() && event.ObjectRef.Resource != "events" {
			writes++
		}
	}
	return float64(writes) / float64(b.mixes)
}

func (b batch) String() string {
	return fmt.Sprintf("%d mixes in %s: %.1f ms of processor per mix, %.0f MiB (at most %.0f), %.1f writes and %.1f calls per mix; "+
		"p95 of created → first Job %s, Job done → next Job %s, last Job done → Ready %s; %v",
		b.mixes, b.wall.Round(time.Millisecond), b.cpuPerMix(), b.memory, b.peak, b.writesPerMix(), b.callsPerMix(),
		p95(b.first), p95(b.next), p95(b.ready), tally(b.calls))
}

func p95(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[(len(times)*95+99)/100-1].Round(time.Millisecond)
}

// load makes mixes and lets one manager build them.
type load struct {
	t       *testing.T
	fleet   *fleet
	manager *program
}

// clumsy returns a worker that fails once, and may be tried again, in every tenth mix.
func clumsy(task contract.Task, unit pipeline.Node, try int) ending {
	if try == 0 && task.Stage == pipeline.StageDownload && unit.Name == "math" && strings.HasSuffix(task.Recipe.Name, "0") {
		return fails(task, unit, contract.FetchFailed, "no route to host")
	}
	return worker(task, unit)
}

func (l load) batch(name string, number int) batch {
	l.t.Helper()
	space := namespace(l.t)
	apart.Store(space, true)
	shift := l.fleet.serve(space, clumsy)
	cpu, begin := l.manager.cpu(l.t), time.Now()
	var mutex sync.Mutex
	created, ready := map[string]time.Time{}, map[string]time.Time{}
	next := make(chan int)
	var group sync.WaitGroup
	for range inFlight {
		group.Go(func() {
			for i := range next {
				made, done, err := l.build(space, fmt.Sprintf("%s-%04d", name, i))
				if err != nil {
					l.t.Error(err)
					continue
				}
				mutex.Lock()
				created[fmt.Sprintf("%s-%04d", name, i)], ready[fmt.Sprintf("%s-%04d", name, i)] = made, done
				mutex.Unlock()
			}
		})
	}
	for i := range number {
		next <- i
	}
	close(next)
	group.Wait()
	b := batch{mixes: number, cpu: l.manager.cpu(l.t) - cpu, wall: time.Since(begin)}
	b.memory, b.peak = l.manager.memory(l.t)
	b.calls = audited(l.t, begin, time.Now(), func(event auditEvent) bool { return event.ObjectRef.Namespace == space })
	l.fleet.mutex.Lock()
	defer l.fleet.mutex.Unlock()
	for _, problem := range shift.problems {
		l.t.Error(problem)
	}
	b.times(shift, created, ready)
	return b
}

// times finds how long the manager took between what it waited for and what it did.
func (b *batch) times(shift *shift, created, ready map[string]time.Time) {
	ended := map[string]time.Time{} // when the last Job of a mix did
	for _, job := range shift.made {
		mix := job.Labels[datav1alpha1.LabelName]
		if last, ok := ended[mix]; ok {
			b.next = append(b.next, shift.created[job.Name].Sub(last))
		} else {
			b.first = append(b.first, shift.created[job.Name].Sub(created[mix]))
		}
		ended[mix] = shift.ended[job.Name]
	}
	for mix, at := range ready {
		b.ready = append(b.ready, at.Sub(ended[mix]))
	}
}

// build makes a mix and waits until it is ready.
func (l load) build(space, name string) (created, ready time.Time, err error) {
	mix := sample(l.t, space)
	mix.Name = name
	created = time.Now()
	if err := api.Create(l.t.Context(), mix); err != nil {
		return created, created, fmt.Errorf("creating %s: %w", name, err)
	}
	ctx, stop := context.WithTimeout(l.t.Context(), 10*timeout)
	defer stop()
	last, err := seen.wait(ctx, client.ObjectKeyFromObject(mix), isPublished)
	if err != nil {
		return created, created, fmt.Errorf("%s is never published: %w: %+v", name, err, last)
	}
	return created, time.Now(), nil
}

// program is the manager as it is released, in a process of its own.
type program struct{ id int }

func startProgram(t *testing.T) *program {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, "manager")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../../cmd/manager")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the manager: %v\n%s", err, output)
	}
	config := filepath.Join(folder, "kubeconfig")
	if err := os.WriteFile(config, managerKubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), path,
		"--worker-image", workerImage, "--metrics-bind-address", "0", "--health-probe-bind-address", "0", "--zap-log-level", "error")
	command.Env = append(os.Environ(), "KUBECONFIG="+config)
	command.Stderr = logs()
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() })
	return &program{id: command.Process.Pid}
}

// ticksPerSecond is what Linux counts processor time in, for every program.
const ticksPerSecond = 100

// cpu returns the processor time of the manager since it started.
func (p *program) cpu(t *testing.T) time.Duration {
	t.Helper()
	encoded, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.id))
	if err != nil {
		t.Fatalf("the manager is gone: %v", err)
	}
	_, rest, _ := strings.Cut(string(encoded), ") ")
	fields := strings.Fields(rest)
	ticks := 0
	for _, field := range fields[11:13] { // in user and in system mode
		count, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += count
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// memory that the manager holds, and the most that it ever did, in MiB.
func (p *program) memory(t *testing.T) (now, peak float64) {
	t.Helper()
	encoded, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.id))
	if err != nil {
		t.Fatalf("the manager is gone: %v", err)
	}
	for line := range strings.Lines(string(encoded)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			now = kib / 1024
		case "VmHWM:":
			peak = kib / 1024
		}
	}
	return now, peak
}

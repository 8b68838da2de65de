package supervise

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
)

// running starts supervising a shell script; the process itself is not started yet.
func running(t *testing.T, script string) (p *Process, log string) {
	t.Helper()
	log = filepath.Join(t.TempDir(), "log")
	p = NewProcess(render.Component{Name: "test", Args: []string{"/bin/sh", "-c", script}}, log)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		if p.Status().Running {
			t.Error("still running after its supervision ended")
		}
	})
	return p, log
}

func do(t *testing.T, p *Process, a Action) {
	t.Helper()
	if err := p.Do(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !check(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within 10 s: " + what)
		}
	}
}

func lines(log string) int {
	content, _ := os.ReadFile(log)
	return strings.Count(string(content), "\n")
}

func TestStartStop(t *testing.T) {
	p, log := running(t, "echo started; exec sleep 1000")
	if p.Status().Running {
		t.Error("runs before it was told to")
	}
	do(t, p, Action{Start: true})
	eventually(t, "it starts", func() bool { return lines(log) == 1 })
	do(t, p, Action{Start: true})
	do(t, p, Action{Stop: true})
	if s := p.Status(); s.Running || s.Restarts != 0 || s.LastExit != "signal: terminated" {
		t.Errorf("after stop: %+v", s)
	}
	do(t, p, Action{Stop: true})
	if lines(log) != 1 {
		t.Errorf("it was started %d times", lines(log))
	}
}

func TestRestart(t *testing.T) {
	p, log := running(t, "echo started; exec sleep 1000")
	do(t, p, Action{Start: true})
	eventually(t, "it starts", func() bool { return lines(log) == 1 })
	do(t, p, Action{Stop: true, Start: true, Kill: true})
	eventually(t, "it starts again", func() bool { return lines(log) == 2 })
	if s := p.Status(); !s.Running || s.Restarts != 0 || s.LastExit != "signal: killed" {
		t.Errorf("after restart: %+v", s)
	}
}

func TestCrashIsRepaired(t *testing.T) {
	p, log := running(t, "echo started; exit 7")
	do(t, p, Action{Start: true})
	eventually(t, "it is started three times", func() bool { return lines(log) >= 3 })
	if s := p.Status(); s.Restarts < 2 || s.LastExit != "exit status 7" {
		t.Errorf("after crashes: %+v", s)
	}
	do(t, p, Action{Stop: true})
	stopped := lines(log)
	time.Sleep(2 * minDelay) // that nothing happens cannot be watched for
	if lines(log) > stopped+1 {
		t.Error("started again after it was told to stop")
	}
}

func TestMissingProgram(t *testing.T) {
	p := NewProcess(render.Component{Name: "test", Args: []string{"/does/not/exist"}}, filepath.Join(t.TempDir(), "log"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go p.Run(ctx)
	if err := p.Do(ctx, Action{Start: true}); err == nil || !strings.Contains(err.Error(), "starting test") {
		t.Errorf("the error is %v", err)
	}
}

func TestDoGivesUpWithItsContext(t *testing.T) {
	p := NewProcess(render.Component{Name: "test"}, "") // nobody runs it
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Do(ctx, Action{Start: true}); err == nil {
		t.Error("no error")
	}
}

func TestEnvironmentHasNoProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy")
	for _, e := range Environment() {
		if strings.Contains(strings.ToLower(e), "proxy") {
			t.Errorf("components see %s", e)
		}
	}
}

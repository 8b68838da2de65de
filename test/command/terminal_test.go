//go:build linux

package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

const sixSample = "../../config/samples/data_v1alpha1_datasetmix_grpo_six.yaml"

// slowHub returns a Hub whose files come in small pieces, so that a build of them takes some seconds.
func slowHub(t *testing.T, pause time.Duration) string {
	t.Helper()
	standIn := hub.New(hub.Options{}, repos.Generated(0.1)...)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		standIn.ServeHTTP(slowWriter{w, pause}, r)
	}))
	t.Cleanup(server.Close)
	standIn.SetCDN(server.URL)
	return server.URL
}

type slowWriter struct {
	http.ResponseWriter
	pause time.Duration
}

func (s slowWriter) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		piece := p[:min(len(p), 16<<10)]
		n, err := s.ResponseWriter.Write(piece)
		if written += n; err != nil {
			return written, err
		}
		p = p[n:]
		time.Sleep(s.pause)
	}
	return written, nil
}

// terminal is a real one: the test has its other end.
type terminal struct {
	side *os.File // the one that a program has
	mu   sync.Mutex
	said bytes.Buffer
}

func openTerminal(t *testing.T, columns, rows uint16) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be opened: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	side, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = side.Close() })
	if err := unix.IoctlSetWinsize(int(side.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows}); err != nil {
		t.Fatal(err)
	}
	term := &terminal{side: side}
	go func() {
		for buffer := make([]byte, 4096); ; {
			n, err := master.Read(buffer)
			term.mu.Lock()
			term.said.Write(buffer[:n])
			term.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return term
}

func (o *terminal) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.String()
}

// modes returns those of the terminal: echo, lines, signals.
func (o *terminal) modes(t *testing.T) unix.Termios {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(o.side.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *modes
}

// start begins a program on the terminal, which becomes its controlling one.
func (o *terminal) start(t *testing.T, environment []string, arguments ...string) *exec.Cmd {
	t.Helper()
	line := exec.CommandContext(t.Context(), program, arguments...)
	line.Env = append(append(os.Environ(), "TERM=xterm-256color"), environment...)
	line.Stdin, line.Stdout, line.Stderr = o.side, o.side, o.side
	line.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := line.Start(); err != nil {
		t.Fatal(err)
	}
	return line
}

// TestCtrlCLeavesASaneTerminal: wherever a build is interrupted, by the key or by a kill, the cursor is shown, the modes are as they were,
// and what was drawn last stays.
func TestCtrlCLeavesASaneTerminal(t *testing.T) {
	endpoint := slowHub(t, 20*time.Millisecond)
	for _, after := range []time.Duration{0, 100 * time.Millisecond, 700 * time.Millisecond, 2 * time.Second, -time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			term := openTerminal(t, 80, 24)
			before := term.modes(t)
			line := term.start(t, []string{"HF_ENDPOINT=" + endpoint}, "build", "-f", sixSample, "--data", t.TempDir())
			if after < 0 {
				time.Sleep(-after)
				_ = line.Process.Kill()
			} else {
				time.Sleep(after)
				_ = syscall.Kill(-line.Process.Pid, syscall.SIGINT) // what the terminal does at Ctrl-C
			}
			_ = line.Wait()
			time.Sleep(100 * time.Millisecond) // until what it wrote has been read
			if term.modes(t) != before {
				t.Error("the modes of the terminal are others")
			}
			said := term.text()
			if hidden, shown := strings.LastIndex(said, "\x1b[?25l"), strings.LastIndex(said, "\x1b[?25h"); hidden > shown {
				t.Errorf("the cursor is hidden:\n%q", said)
			}
			for _, forbidden := range []string{"\x1b[2J", "\x1b[3J", "\x1b[H", "\x1b[?1049h", "\x1bc"} {
				if strings.Contains(said, forbidden) {
					t.Errorf("it clears the terminal: %q", forbidden)
				}
			}
			if after > time.Second && (!strings.Contains(said, "download") || !strings.Contains(said, "█")) {
				t.Errorf("no live view:\n%q", said)
			}
		})
	}
}

// TestNoColor: NO_COLOR and a terminal that can do nothing are respected.
func TestNoColor(t *testing.T) {
	example := t.TempDir()
	if got := command(t, "example", example); got.code != 0 {
		t.Fatal(got)
	}
	build := func(environment ...string) string {
		term := openTerminal(t, 80, 24)
		line := term.start(t, environment, "build", "-f", filepath.Join(example, "mix.yaml"), "--claim", "examples="+example, "--data", t.TempDir())
		if err := line.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, term.text())
		}
		time.Sleep(100 * time.Millisecond)
		return term.text()
	}
	if got := build("NO_COLOR=1"); !strings.Contains(got, "█") || strings.Contains(got, "m█") {
		t.Errorf("NO_COLOR: %q", got)
	}
	if got := build("NO_COLOR="); !strings.Contains(got, "\x1b[32m█") {
		t.Errorf("with colors: %q", got)
	}
	if got := build("TERM=dumb"); strings.Contains(got, "\x1b") || !strings.Contains(got, "publish   1/1") {
		t.Errorf("a dumb terminal: %q", got)
	}
}

// tmux drives a window of a terminal multiplexer of the test's own.
type tmux struct {
	*testing.T
	socket string
}

func newTmux(t *testing.T, columns, rows int, environment ...string) tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed: the live view is looked at in it")
	}
	m := tmux{t, filepath.Join(t.TempDir(), "tmux")}
	arguments := []string{"-f", "/dev/null", "-u", "new-session", "-d", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows)}
	for _, variable := range environment {
		arguments = append(arguments, "-e", variable)
	}
	m.run(append(arguments, "sh")...)
	t.Cleanup(func() { m.run("kill-server") })
	return m
}

func (m tmux) run(arguments ...string) string {
	m.Helper()
	out, err := exec.CommandContext(m.Context(), "tmux", append([]string{"-S", m.socket}, arguments...)...).CombinedOutput()
	if err != nil && m.Context().Err() == nil {
		m.Fatalf("tmux %q: %v\n%s", arguments, err, out)
	}
	return string(out)
}

// screen returns what is shown now, everything with what has scrolled away.
func (m tmux) screen() string     { return m.run("capture-pane", "-p") }
func (m tmux) everything() string { return m.run("capture-pane", "-p", "-J", "-S", "-") }

// until waits until the window shows a text.
func (m tmux) until(text string) string {
	m.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if got := m.everything(); strings.Contains(got, text) {
			return got
		}
		if time.Now().After(deadline) {
			m.Fatalf("%q is never shown:\n%s", text, m.everything())
		}
	}
}

// TestLiveViewInTmux: a build in a real terminal is drawn over itself, leaves what was there before and its last frame, follows a change of
// size, and its plan is below.
func TestLiveViewInTmux(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 50}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			m := newTmux(t, size[0], size[1], "HF_ENDPOINT="+slowHub(t, 10*time.Millisecond))
			m.run("send-keys", "seq -f 'before %g' 1 60", "Enter")
			m.until("before 60")
			sample, err := filepath.Abs(sixSample)
			if err != nil {
				t.Fatal(err)
			}
			m.run("send-keys", fmt.Sprintf("%s build -f %s --data %s && echo end of it", program, sample, t.TempDir()), "Enter")
			m.until("building")
			m.until("█")
			if got := m.screen(); !strings.Contains(got, "download") || !strings.Contains(got, "gsm8k") {
				t.Errorf("in mid-build:\n%s", got)
			}
			m.run("resize-window", "-x", "70", "-y", "20")
			time.Sleep(500 * time.Millisecond)
			got := m.until("\nend of it")
			for i := 1; i <= 60; i++ {
				if strings.Count(got, fmt.Sprintf("before %d\n", i)) != 1 {
					t.Errorf("line %d of what was there before is gone", i)
				}
			}
			for _, want := range []string{"published  100%", "publish ", "MOST REPEATED", "current -> revisions/"} {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not shown at the end", want)
				}
			}
			if frames := strings.Count(got, "\nbalance "); frames > 3 {
				t.Errorf("%d frames are left", frames)
			}
			if t.Failed() {
				t.Log(got)
			}
			if flag := strings.TrimSpace(m.run("display-message", "-p", "#{cursor_flag}")); flag != "1" {
				t.Errorf("the cursor is hidden: %q", flag)
			}
		})
	}
}

// TestPipedBuild: without a terminal there is a line for each unit, or an object for each change whose percentage never falls and is 100 at
// the end alone.
func TestPipedBuild(t *testing.T) {
	t.Setenv("HF_ENDPOINT", slowHub(t, time.Millisecond))
	plain := command(t, "build", "-f", sixSample, "--data", t.TempDir())
	if plain.code != 0 || strings.ContainsAny(plain.out, "\x1b\r") || strings.Count(plain.out, "download  ") != 6 {
		t.Error(plain)
	}
	got := command(t, "build", "-f", sixSample, "--data", t.TempDir(), "--progress", "json")
	if got.code != 0 {
		t.Fatal(got)
	}
	percent, state := 0, ""
	for line := range strings.Lines(got.out) {
		var change struct {
			Stage, State string
			Percent      int
		}
		if err := json.Unmarshal([]byte(line), &change); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if change.Stage != "" {
			continue
		}
		if change.Percent < percent || percent == 100 {
			t.Errorf("%d after %d", change.Percent, percent)
		}
		percent, state = change.Percent, change.State
	}
	if percent != 100 || state != "published" {
		t.Errorf("it ends %s with %d percent", state, percent)
	}
	for mode, code := range map[string]int{"tty": 18, "jsn": 18} {
		if got := command(t, "build", "-f", sixSample, "--data", t.TempDir(), "--progress", mode); got.code != code {
			t.Errorf("--progress %s: %v", mode, got)
		}
	}
}

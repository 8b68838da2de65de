package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/rows"
	"github.com/datasetmix/datasetmix/internal/store"
	"github.com/datasetmix/datasetmix/internal/testing/recipes"
)

// small is how long servers of tests wait.
const small = 300 * time.Millisecond

// shaky passes connections on to a server and breaks every one of the first few after so many bytes.
func shaky(t *testing.T, server *httptest.Server, breaks int32, after int64) Client {
	t.Helper()
	var left atomic.Int32
	left.Store(breaks)
	return Client{Pause: time.Millisecond, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
			if err != nil || left.Add(-1) < 0 {
				return conn, err
			}
			b := &breaking{Conn: conn}
			b.left.Store(after)
			return b, nil
		}}}}
}

// breaking is a connection that ends after so many bytes.
type breaking struct {
	net.Conn
	left atomic.Int64 // a transport reads and writes at once
}

var errBroken = errors.New("the connection is broken")

func (b *breaking) Read(p []byte) (int, error) {
	left := b.left.Load()
	if left <= 0 {
		return 0, errBroken
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), left)])
	b.left.Add(-int64(n))
	return n, err
}

func (b *breaking) Write(p []byte) (int, error) {
	left := b.left.Load()
	if left <= 0 {
		return 0, errBroken
	}
	n, err := b.Conn.Write(p[:min(int64(len(p)), left)])
	if b.left.Add(-int64(n)); err == nil && n < len(p) {
		err = errBroken
	}
	return n, err
}

// inbox returns one on an empty volume, as it is served.
func inbox(t *testing.T) (folder string, server *httptest.Server, box *Inbox) {
	t.Helper()
	folder = t.TempDir()
	volume, err := store.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if box, err = NewInbox(volume, small); err != nil {
		t.Fatal(err)
	}
	server = httptest.NewServer(box)
	t.Cleanup(func() { server.Close(); _ = box.Close(); _ = volume.Close() })
	return folder, server, box
}

// localFile writes a file to send.
func localFile(t *testing.T, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// visible returns the files of a folder, but for those of an inbox.
func visible(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(name string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		content, err := os.ReadFile(name)
		relative, _ := filepath.Rel(folder, name)
		files[relative] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var content = bytes.Repeat([]byte("0123456789abcdef\n"), 100_000)

// TestUpload: what is sent arrives whole over connections that break, and has no name before all of it is there.
func TestUpload(t *testing.T) {
	for name, breaks := range map[string]int32{"whole": 0, "broken three times": 3} {
		t.Run(name, func(t *testing.T) {
			folder, server, box := inbox(t)
			client := shaky(t, server, breaks, 400_000)
			seen := int64(0)
			client.Progress = func(n int64) {
				seen += n
				if early := visible(t, folder); len(early) > 0 {
					t.Errorf("files have names while they are sent: %v", early)
				}
			}
			small := localFile(t, []byte("{}\n"))
			sent, err := client.Upload(t.Context(), []Local{{localFile(t, content), "chats/rows.jsonl"}, {small, "small.jsonl"}}, false)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]string{"chats/rows.jsonl": string(content), "small.jsonl": "{}\n"}, visible(t, folder)); diff != "" {
				t.Error("other files are there")
			}
			if len(sent) != 2 || sent[0].Bytes != int64(len(content)) || seen < sent[0].Bytes {
				t.Errorf("sent %+v, %d bytes of progress", sent, seen)
			}
			if err := box.Close(); err != nil {
				t.Fatal(err)
			}
			if entries, _ := os.ReadDir(folder); len(entries) != 2 {
				t.Errorf("%v are left on the volume", entries)
			}
		})
	}
}

// TestAConnectionThatNeverLasts: it is given up, and nothing is left.
func TestAConnectionThatNeverLasts(t *testing.T) {
	folder, server, box := inbox(t)
	_, err := shaky(t, server, 1000, 100_000).Upload(t.Context(), []Local{{localFile(t, content), "rows.jsonl"}}, false)
	if contract.ReasonOf(err) != contract.FetchFailed {
		t.Errorf("got %v", err)
	}
	server.Close()
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) > 0 {
		t.Errorf("%v are left on the volume", entries)
	}
}

// TestFilesThatExistStay: unless they may be replaced; none of several is then written.
func TestFilesThatExistStay(t *testing.T) {
	folder, server, _ := inbox(t)
	if err := os.WriteFile(filepath.Join(folder, "b"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := []Local{{localFile(t, []byte("1")), "a"}, {localFile(t, []byte("2")), "b"}}
	client := shaky(t, server, 0, 0)
	_, err := client.Upload(t.Context(), files, false)
	if cli.CodeOf(err) != cli.AlreadyThere || !strings.Contains(err.Error(), "b is on the volume already") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(map[string]string{"b": "old"}, visible(t, folder)); diff != "" {
		t.Error(diff)
	}
	if _, err := client.Upload(t.Context(), files, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, visible(t, folder)); diff != "" {
		t.Error(diff)
	}
}

// TestNames: nothing is written outside of the volume, nor among what the operator keeps there.
func TestNames(t *testing.T) {
	folder, server, _ := inbox(t)
	if err := errors.Join(os.Mkdir(filepath.Join(folder, "d"), 0o750), os.Symlink("/tmp", filepath.Join(folder, "out"))); err != nil {
		t.Fatal(err)
	}
	for name, reason := range map[string]contract.Reason{
		"../x": contract.InvalidTask, "/x": contract.InvalidTask, ".cache/x": contract.InvalidTask, "a/.stages/x": contract.InvalidTask, "": contract.InvalidTask, ".": contract.InvalidTask,
		"d": contract.InvalidTask, "out/x": contract.VolumeInvalid,
	} {
		_, err := shaky(t, server, 0, 0).Upload(t.Context(), []Local{{localFile(t, []byte("1")), name}}, true)
		if contract.ReasonOf(err) != reason {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestCommitsOfOtherBytes: what arrived is compared with what was read, and what was not sent is not committed.
func TestCommitsOfOtherBytes(t *testing.T) {
	folder, server, _ := inbox(t)
	client := shaky(t, server, 0, 0)
	sent, err := client.send(t.Context(), Local{localFile(t, []byte("1")), "a"})
	if err != nil {
		t.Fatal(err)
	}
	sent.SHA256 = strings.Repeat("0", 64)
	if err := client.post(t.Context(), commitPath, Commit{Files: []Sent{sent}}); contract.ReasonOf(err) != contract.ChecksumMismatch {
		t.Errorf("another digest: %v", err)
	}
	if err := client.post(t.Context(), commitPath, Commit{Files: []Sent{{Path: "b"}}}); contract.ReasonOf(err) != contract.InvalidTask {
		t.Errorf("what was not sent: %v", err)
	}
	if got := visible(t, folder); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// TestServeEnds: a server without requests ends by itself, and so does one whose client sends nothing.
func TestServeEnds(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	volume, err := store.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer volume.Close()
	box, err := NewInbox(volume, small)
	if err != nil {
		t.Fatal(err)
	}
	stuck, stop := io.Pipe()
	defer stop.Close()
	go func() {
		request, _ := http.NewRequestWithContext(context.Background(), http.MethodPut, "http://"+listener.Addr().String()+filesPath+"a", stuck)
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	begun := time.Now()
	if err := Serve(t.Context(), listener, box, small); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < small || took > 20*small {
		t.Errorf("it ended after %s", took)
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) > 0 {
		t.Errorf("%v are left on the volume", entries)
	}
}

// TestSave: a file of this machine is there whole or not at all, and one that exists stays.
func TestSave(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	failing := errors.New("failing")
	if err := Save(name, false, func(out io.Writer) error { _, _ = out.Write([]byte("half")); return failing }); !errors.Is(err, failing) {
		t.Errorf("got %v", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(name)); len(entries) > 0 {
		t.Errorf("%v are left", entries)
	}
	write := func(text string) func(io.Writer) error {
		return func(out io.Writer) error { _, err := io.WriteString(out, text); return err }
	}
	if err := Save(name, false, write("one")); err != nil {
		t.Fatal(err)
	}
	if err := Save(name, false, write("two")); cli.CodeOf(err) != cli.AlreadyThere {
		t.Errorf("got %v", err)
	}
	if err := Save(name, true, write("three")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(name); string(got) != "three" {
		t.Errorf("it has %q", got)
	}
}

// served returns a revision of one large file, as a pod serves it, and the folder that it lies in.
func served(t *testing.T) (server *httptest.Server, file revision.PublishedFile, folder string) {
	t.Helper()
	folder = t.TempDir()
	sum := rows.NewSum(io.Discard)
	_, _ = sum.Write(content)
	file = revision.PublishedFile{Path: "mixed/train_mixed.jsonl", Bytes: sum.Bytes(), SHA256: sum.Digest()}
	encoded, err := revision.Manifest{Version: revision.ManifestVersion, Name: "m", Revision: "0123456789", Recipe: recipes.Small(), Files: []revision.PublishedFile{file}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{revision.ManifestFile: encoded, file.Path: content, "secret": []byte("not listed")} {
		at := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o750), os.WriteFile(at, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	opened, closing, err := rows.OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	server = httptest.NewServer(Files(opened))
	t.Cleanup(func() { server.Close(); _ = closing() })
	return server, file, folder
}

// TestDownload: a file comes whole over connections that break, with the bytes of the manifest, or not at all.
func TestDownload(t *testing.T) {
	for name, breaks := range map[string]int32{"whole": 0, "broken six times": 6} {
		t.Run(name, func(t *testing.T) {
			server, file, _ := served(t)
			client := shaky(t, server, breaks, 200_000)
			to := filepath.Join(t.TempDir(), "train.jsonl")
			m, digest, err := client.Manifest(t.Context())
			if err != nil || m.Name != "m" || !contract.IsSHA256(digest) {
				t.Fatalf("%+v, %s, %v", m, digest, err)
			}
			if err := client.Download(t.Context(), file, to, false); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d of %d bytes, %v", len(got), len(content), err)
			}
			if err := client.Download(t.Context(), file, to, false); cli.CodeOf(err) != cli.AlreadyThere {
				t.Errorf("a file that exists: %v", err)
			}
		})
	}
}

// TestDownloadsThatFail: other bytes, files that are not of the revision, and connections that never last leave nothing.
func TestDownloadsThatFail(t *testing.T) {
	server, file, folder := served(t)
	to := filepath.Join(t.TempDir(), "f")
	secret := revision.PublishedFile{Path: "secret", Bytes: 10}
	outside := revision.PublishedFile{Path: "../../../../etc/passwd"}
	for name, test := range map[string]struct {
		client Client
		file   revision.PublishedFile
		reason contract.Reason
	}{
		"not listed": {shaky(t, server, 0, 0), secret, contract.FileNotFound},
		"outside":    {shaky(t, server, 0, 0), outside, contract.FileNotFound},
		"no bytes":   {shaky(t, server, 1000, 50), file, contract.FetchFailed},
	} {
		if err := test.client.Download(t.Context(), test.file, to, false); contract.ReasonOf(err) != test.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
	changed := bytes.Clone(content)
	changed[5]++
	if err := os.WriteFile(filepath.Join(folder, file.Path), changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := shaky(t, server, 0, 0).Download(t.Context(), file, to, false); contract.ReasonOf(err) != contract.VolumeInvalid {
		t.Errorf("other bytes: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := shaky(t, server, 0, 0).Download(canceled, file, to, false); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(to)); len(entries) > 0 {
		t.Errorf("%v are left", entries)
	}
}

// TestWorkersOfOtherReleases: what answers otherwise is said to be of another release.
func TestWorkersOfOtherReleases(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"no such path": func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"no reason": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, "{}")
		},
	} {
		server := httptest.NewServer(handler)
		_, _, err := shaky(t, server, 0, 0).Manifest(t.Context())
		server.Close()
		if contract.ReasonOf(err) != contract.InvalidTask || !strings.Contains(err.Error(), "same release") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package main

import (
	"bufio"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// writeFile writes a file of a size. No two pieces of it are the same, so that bytes from a wrong offset would be found. Making them costs
// a server about as much as encrypting them.
func writeFile(w io.Writer, size int64) error {
	cipherBlock, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		return err
	}
	stream := cipher.NewCTR(cipherBlock, make([]byte, aes.BlockSize)) //nolint:gosec // nothing is kept secret: the file is the same every time
	for b := make([]byte, 256<<10); size > 0; {
		n := min(size, int64(len(b)))
		clear(b[:n])
		stream.XORKeyStream(b[:n], b[:n])
		if _, err := w.Write(b[:n]); err != nil {
			return err
		}
		size -= n
	}
	return nil
}

// sumOf returns the SHA-256 of the file.
func sumOf(size int64) []byte {
	h := sha256.New()
	_ = writeFile(h, size) // a hash never fails
	return h.Sum(nil)
}

// serve prints the file's address and serves it until the input ends.
func serve(out io.Writer, in io.Reader, size int64, tls bool) error {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		w.Header().Set("ETag", `"generated"`)
		if r.Method == http.MethodGet {
			_ = writeFile(w, size) // whoever asked may be gone
		}
	}))
	if tls {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	defer server.Close()
	if _, err := fmt.Fprintln(out, server.URL+"/file.bin"); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// running is a server in a process of its own.
type running struct {
	process *exec.Cmd
	in      io.Closer
}

// start starts the server and returns the address of the file.
func start(ctx context.Context, self string, size int64, tls bool) (*running, string, error) {
	process := exec.CommandContext(ctx, self, "-role", "serve", "-size", strconv.FormatInt(size, 10), "-tls="+strconv.FormatBool(tls)) //nolint:gosec // this program
	process.Stderr = os.Stderr
	in, inErr := process.StdinPipe()
	out, outErr := process.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return nil, "", err
	}
	if err := process.Start(); err != nil {
		return nil, "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, "", fmt.Errorf("the server did not begin: %w", err)
	}
	return &running{process, in}, strings.TrimSpace(line), nil
}

// Close ends the server.
func (r *running) Close() error {
	return errors.Join(r.in.Close(), r.process.Wait())
}

// Command testpod is the program of the pods in the cluster's test: a few small tasks, each with a clear failure.
package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "testpod:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	deeds := map[string]func(args []string) error{"write": write, "read": read, "get": get, "wait": wait}
	if len(args) == 0 || deeds[args[0]] == nil {
		return errors.New("usage: testpod write DIR NAME TEXT | read FILE | get URL | wait")
	}
	return deeds[args[0]](args[1:])
}

// write writes to a volume like a worker: a file, a hard link to it in a new folder, and a symbolic link that is replaced by renaming.
func write(args []string) error {
	dir, name, text := args[0], args[1], os.ExpandEnv(args[2])
	revision := filepath.Join(dir, "revisions", name)
	if err := os.MkdirAll(revision, 0o755); err != nil {
		return err
	}
	file := filepath.Join(dir, os.ExpandEnv(name))
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	if err := os.Link(file, filepath.Join(revision, "data")); err != nil {
		return err
	}
	fresh := filepath.Join(dir, ".current-"+name)
	if err := os.Symlink(filepath.Join("revisions", name), fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, filepath.Join(dir, "current")); err != nil {
		return err
	}
	fmt.Println("wrote", text)
	return nil
}

// read prints a file and makes sure that its folder cannot be written to.
func read(args []string) error {
	content, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(args[0]), "intruder"), nil, 0o644); err == nil {
		return fmt.Errorf("the folder of %s is writable, and should not be", args[0])
	}
	fmt.Println("read", string(content))
	return nil
}

// get prints the answer of a server. It does not verify the server's certificate: the test is whether the server can be reached.
func get(args []string) error {
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
	response, err := client.Get(args[0])
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Println("got", response.StatusCode, string(body))
	return err
}

func wait([]string) error {
	fmt.Println("waiting")
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	return nil
}

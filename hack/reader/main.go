// Command reader takes the place of a training in the demo and the end-to-end tests: it prints the files of a mounted mix, and the first row and the
// digest of a file, and tries to write, which must fail. With -train it reads the file again and again until it is terminated, and fails if the bytes
// have changed.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	args, do := os.Args[1:], read
	if len(args) > 0 && args[0] == "-train" {
		args, do = args[1:], train
	}
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: reader [-train] FOLDER FILE")
		os.Exit(2)
	}
	if err := do(args[0], args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// train reads a file every second, until the process is told to end.
func train(folder, file string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	first := ""
	for passes := 1; ; passes++ {
		content, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			return err
		}
		digest := fmt.Sprintf("%x", sha256.Sum256(content))
		if first == "" {
			first = digest
		}
		if digest != first {
			return fmt.Errorf("pass %d read other bytes of %s: %s, before %s", passes, file, digest, first)
		}
		fmt.Printf("pass: %d\nsha256: %s\n", passes, digest)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func read(folder, file string) error {
	if err := tree(folder); err != nil {
		return err
	}
	if err := rows(filepath.Join(folder, file)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "written"), nil, 0o600); err == nil {
		return fmt.Errorf("%s could be written to; mount it read-only", folder)
	}
	fmt.Println("writing: refused, as it should be")
	return nil
}

func tree(folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			fmt.Printf("%12d  %s\n", info.Size(), path)
		}
		return err
	})
}

func rows(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	in := bufio.NewReader(io.TeeReader(f, hash))
	count := 0
	for {
		row, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if count == 0 {
			fmt.Print("first row: ", row)
		}
		count++
	}
	fmt.Printf("rows: %d\nsha256: %x\n", count, hash.Sum(nil))
	return nil
}

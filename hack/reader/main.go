// Command reader stands for a training pod in the demo and the end-to-end tests: it prints what lies in a mounted mix, the
// first row and the digest of a file, and tries to write, which must fail.
package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: reader FOLDER FILE")
		os.Exit(2)
	}
	if err := read(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
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

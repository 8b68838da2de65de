package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// epoch is the time of every file in an archive: the same content has the same bytes.
var epoch = time.Unix(0, 0).UTC()

// entry is a file of an archive.
type entry struct {
	name    string
	content []byte
	mode    fs.FileMode
}

// tarOf packs files by name.
func tarOf(entries []entry) ([]byte, error) {
	var out bytes.Buffer
	packed := tar.NewWriter(&out)
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: int64(e.mode), Size: int64(len(e.content)), ModTime: epoch, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if err := packed.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := packed.Write(e.content); err != nil {
			return nil, err
		}
	}
	err := packed.Close()
	return out.Bytes(), err
}

// tarGzip packs files by name, compressed.
func tarGzip(entries []entry) ([]byte, error) {
	plain, err := tarOf(entries)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&out, gzip.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := compressed.Write(plain); err != nil {
		return nil, err
	}
	err = compressed.Close()
	return out.Bytes(), err
}

// zipped packs files by name, as Windows opens them.
func zipped(entries []entry) ([]byte, error) {
	var out bytes.Buffer
	packed := zip.NewWriter(&out)
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: epoch}
		header.SetMode(e.mode)
		file, err := packed.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := file.Write(e.content); err != nil {
			return nil, err
		}
	}
	err := packed.Close()
	return out.Bytes(), err
}

// filesOf returns the files of a folder; it follows links.
func filesOf(folder string) ([]entry, error) {
	var entries []entry
	files := os.DirFS(folder)
	err := fs.WalkDir(files, ".", func(path string, at fs.DirEntry, err error) error {
		if err != nil || at.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		entries = append(entries, entry{path, content, 0o644})
		return err
	})
	return entries, err
}

// tarFolder packs a folder as it is.
func tarFolder(folder, out string) error {
	entries, err := filesOf(folder)
	if err != nil {
		return err
	}
	packed, err := tarOf(entries)
	if err != nil {
		return err
	}
	return writeFile(out, packed)
}

// archived is the command for one platform.
type archived struct {
	platform platform
	file     string
	content  []byte
}

// makeCommands builds the command for every platform and packs it with its licenses.
func (r release) makeCommands(ctx context.Context, programs string, licenses []byte) ([]archived, error) {
	license, err := os.ReadFile("LICENSE")
	if err != nil {
		return nil, err
	}
	var all []archived
	for _, p := range commands {
		name, pack, ending := "kubectl-datasetmix", tarGzip, ".tar.gz"
		if p.os == "windows" {
			name, pack, ending = name+".exe", zipped, ".zip"
		}
		file := filepath.Join(programs, p.String()+"-"+name)
		if err := r.build(ctx, p, "kubectl-datasetmix", file); err != nil {
			return nil, err
		}
		if err := r.makeSBOM(file, "kubectl-datasetmix-"+p.String()); err != nil {
			return nil, err
		}
		program, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		content, err := pack([]entry{{name, program, 0o755}, {"LICENSE", license, 0o644}, {"THIRD_PARTY_LICENSES", licenses, 0o644}})
		if err != nil {
			return nil, err
		}
		archive := archived{p, "kubectl-datasetmix-" + p.String() + ending, content}
		if err := r.write(archive.file, content); err != nil {
			return nil, err
		}
		all = append(all, archive)
	}
	return all, nil
}

package main

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// makeImage builds the programs of the image for every processor, with an SBOM for each, and writes one index of all: an OCI layout, as
// crane and skopeo read it. It returns the digest of the index.
func (r release) makeImage(ctx context.Context, programs string) (string, error) {
	index := v1.ImageIndex(empty.Index)
	for _, p := range images {
		folder := filepath.Join(programs, p.String())
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return "", err
		}
		for _, program := range []string{"manager", "worker"} {
			file := filepath.Join(folder, program)
			if err := r.build(ctx, p, program, file); err != nil {
				return "", err
			}
			if err := checkELF(file, p); err != nil {
				return "", err
			}
			if err := r.makeSBOM(file, program+"-"+p.String()); err != nil {
				return "", err
			}
		}
		archive := filepath.Join(programs, p.String()+".tar")
		if err := r.image(ctx, p, folder, archive); err != nil {
			return "", err
		}
		image, err := tarball.ImageFromPath(archive, nil)
		if err != nil {
			return "", err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}}})
	}
	digest, err := index.Digest()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(programs, "layout")
	if _, err := layout.Write(folder, index); err != nil {
		return "", err
	}
	if err := tarFolder(folder, filepath.Join(r.out, "datasetmix-image.tar")); err != nil {
		return "", err
	}
	if r.push {
		tag, err := name.NewTag(r.repository + ":" + r.version)
		if err != nil {
			return "", err
		}
		if err := remote.WriteIndex(tag, index, remote.WithContext(ctx)); err != nil {
			return "", err
		}
	}
	return digest.String(), nil
}

// machines are the processors of the image as ELF names them.
var machines = map[string]elf.Machine{amd64: elf.EM_X86_64, arm64: elf.EM_AARCH64}

// checkELF returns an error unless a program runs on its processor in an image that has nothing else: no loader and no library.
func checkELF(program string, p platform) error {
	file, err := elf.Open(program)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if file.Machine != machines[p.arch] {
		return fmt.Errorf("%s is for %s, and not for %s", filepath.Base(program), file.Machine, p.arch)
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
			return fmt.Errorf("%s is not linked statically: it has a segment %s", filepath.Base(program), segment.Type)
		}
	}
	return nil
}

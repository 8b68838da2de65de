// Command release makes all files of a release, without a container engine and with the same bytes each time: make release VERSION=v1.2.3.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/datasetmix/datasetmix/internal/version"
)

// release has the options of a release.
type release struct {
	version string
	// repository of the image, without tag and digest.
	repository string
	out        string
	// key is the file of an ECDSA key in PEM that signs; empty signs nothing.
	key string
	// push sends the image to its repository as well.
	push bool
	// address is where people download the files, for krew.
	address string
	// build builds a program of the tree; a test makes smaller ones.
	build func(ctx context.Context, platform platform, program, out string) error
	// image writes an image of a processor's programs as a docker-archive.
	image func(ctx context.Context, platform platform, folder, out string) error
}

// platform is an operating system and a processor.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "-" + p.arch }

const amd64, arm64 = "amd64", "arm64"

// images are the platforms of the image, commands those of the command.
var (
	images   = []platform{{"linux", amd64}, {"linux", arm64}}
	commands = []platform{{"linux", amd64}, {"linux", arm64}, {"darwin", amd64}, {"darwin", arm64}, {"windows", amd64}}
)

func main() {
	r := release{build: goBuild, image: clusterImage}
	flag.StringVar(&r.version, "version", "", "the release, such as v1.2.3")
	flag.StringVar(&r.repository, "repository", "ghcr.io/datasetmix/datasetmix", "the image's repository")
	flag.StringVar(&r.out, "out", "dist/release", "the folder of the files")
	flag.StringVar(&r.key, "key", "", "an ECDSA key in PEM to sign with")
	flag.BoolVar(&r.push, "push", false, "push the image to its repository")
	flag.StringVar(&r.address, "address", "https://github.com/datasetmix/datasetmix/releases/download", "where the folders of releases are downloaded from")
	install := flag.String("install", "", "write the manifest of the installation alone, for this image with its digest or tag, to standard output")
	joined := flag.Bool("changelog", false, "join the fragments of changes/ to CHANGELOG.md, and make nothing else")
	flag.Parse()
	if *joined {
		exit(writeChangelog("CHANGELOG.md", "changes", r.version))
	}
	exit(r.main(context.Background(), *install))
}

// exit ends the program.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (r release) main(ctx context.Context, install string) error {
	if install != "" {
		manifest, err := installation(install, r.version)
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(manifest)
		return err
	}
	return r.make(ctx)
}

// make writes every file of the release, and then their checksums and the signature.
func (r release) make(ctx context.Context) error {
	if _, ok := version.Release(r.version); !ok {
		return fmt.Errorf("%q is no release; name one such as v1.2.3", r.version)
	}
	if err := os.MkdirAll(r.out, 0o750); err != nil {
		return err
	}
	programs, err := os.MkdirTemp("", "release-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(programs) }()
	digest, err := r.makeImage(ctx, programs)
	if err != nil {
		return fmt.Errorf("the image: %w", err)
	}
	image := r.repository + "@" + digest
	manifest, err := installation(image, r.version)
	if err != nil {
		return fmt.Errorf("install.yaml: %w", err)
	}
	if err := r.write("install.yaml", manifest); err != nil {
		return err
	}
	if err := r.makeChart("charts/datasetmix", digest); err != nil {
		return fmt.Errorf("the chart: %w", err)
	}
	licenses, err := thirdParty(ctx)
	if err != nil {
		return fmt.Errorf("the licenses: %w", err)
	}
	if err := r.write("THIRD_PARTY_LICENSES", licenses); err != nil {
		return err
	}
	archives, err := r.makeCommands(ctx, programs, licenses)
	if err != nil {
		return fmt.Errorf("the command: %w", err)
	}
	if err := r.makeKrew(archives); err != nil {
		return fmt.Errorf("the manifest of krew: %w", err)
	}
	return r.sign()
}

// write writes a file of the release.
func (r release) write(name string, content []byte) error {
	return writeFile(filepath.Join(r.out, name), content)
}

// writeFile writes a file for everybody to read.
func writeFile(name string, content []byte) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = out.Write(content)
	return errors.Join(err, out.Close())
}

// goBuild builds a program as the Makefile does, which also knows the flags.
func goBuild(ctx context.Context, p platform, program, out string) error {
	command := exec.CommandContext(ctx, "make", "--no-print-directory", "program") // it has VERSION of the environment
	command.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "PROGRAM="+program, "OUT="+out)
	return told(command)
}

// clusterImage writes a docker-archive of the manager and the worker of a folder.
func clusterImage(ctx context.Context, p platform, folder, out string) error {
	label := "org.opencontainers.image.version=" + os.Getenv("VERSION")
	command := exec.CommandContext(ctx, "bin/cluster")
	command.Args = append(command.Args, "image", "--tag", "datasetmix:release", "--arch", p.arch, "--label", label,
		"--binary", filepath.Join(folder, "manager")+":/manager", "--binary", filepath.Join(folder, "worker")+":/worker", "--entrypoint", "/manager", "--out", out)
	return told(command)
}

// told runs a command; its error includes the command's output.
func told(command *exec.Cmd) error {
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command.Args, " "), err, out)
	}
	return nil
}

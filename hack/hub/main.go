// Command hub serves a stand-in Hugging Face Hub with the repositories of the samples, for a demonstration or an end-to-end test in a cluster
// without internet access. Set HF_ENDPOINT to its address. With -write it writes the files that the samples read from other sources to a folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

func main() {
	listen := flag.String("listen", ":8080", "address to listen on")
	data := flag.String("data", "", "folder with the published files of the six data sets; empty serves generated rows")
	scale := flag.Float64("scale", 1, "size of the generated data sets; 1 is the real numbers of rows")
	cdn := flag.String("cdn", "", "base URL that large files are redirected to; empty is the address of the request")
	token := flag.String("token", "hf_s3cr3t", "access token that is accepted; requests without one are, too")
	var folders []string
	flag.Func("write", "folder to write the files to that the samples read from elsewhere than a Hub; nothing is served then; repeatable", func(folder string) error {
		folders = append(folders, folder)
		return nil
	})
	flag.Parse()
	err := write(folders)
	if len(folders) == 0 {
		err = run(*listen, *data, *cdn, *token, *scale)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hub:", err)
		os.Exit(1)
	}
}

// run serves until the listener fails. It writes nothing but lines to standard output.
func run(listen, data, cdn, token string, scale float64) error {
	var served []hub.Repo
	var err error
	if data == "" {
		served = repos.Generated(scale)
	} else if served, err = repos.FromData(data); err != nil {
		return err
	}
	hub := hub.New(hub.Options{
		CDN: cdn, AccessLog: os.Stdout, PageSize: 10, Tokens: map[string][]string{token: {"*"}},
	}, append(served, repos.Collected())...)
	for _, r := range hub.Repos() {
		var size int
		for _, f := range r.Files {
			size += len(f.Content)
		}
		fmt.Printf("%s@%s: %d files, %d bytes\n", r.ID, r.SHA, len(r.Files), size)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", listen)
	if err != nil {
		return err
	}
	fmt.Printf("listening on %s\n", l.Addr())
	server := &http.Server{Handler: hub, ReadHeaderTimeout: 10 * time.Second}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// write writes the files of the samples to folders.
func write(folders []string) error {
	for _, folder := range folders {
		for name, content := range repos.SampleFiles() {
			path := filepath.Join(folder, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				return err
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

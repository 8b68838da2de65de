package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// health is a path that the S3 gateway answers without a signature.
const health = "/healthz"

// serveS3 starts the gateway over a folder. What it keeps beside the bytes lies in files, too: not every file system that
// a test meets has extended attributes.
func (o options) serveS3(ctx context.Context, address string, failed chan<- error) error {
	if o.dir == "" {
		return errors.New("it needs a folder: -dir")
	}
	folder := func(name string) string { return filepath.Join(o.dir, name) }
	for _, name := range []string{"buckets", "beside", "versions"} {
		if err := os.MkdirAll(folder(name), 0o755); err != nil {
			return err
		}
	}
	beside, err := meta.NewSideCar(folder("beside"))
	if err != nil {
		return err
	}
	settings := posix.PosixOpts{SideCarDir: folder("beside")}
	if o.versions {
		settings.VersioningDir = folder("versions")
	}
	backend, err := posix.New(folder("buckets"), beside, settings)
	if err != nil {
		return err
	}
	go func() {
		failed <- embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
			RootUserAccess: o.accessKey, RootUserSecret: o.secretKey, Region: "us-east-1",
			Ports: []string{address}, HealthPath: health, Quiet: true, KeepAlive: true,
			MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10000,
		})
	}()
	return nil
}

func serveGCS(ctx context.Context, address string, _ chan<- error) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return err
	}
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		Scheme: "http", Host: host, Port: uint16(number), ExternalURL: "http://" + local(address), Writer: io.Discard,
	})
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, server.Stop)
	return nil
}

func (o options) serveOCI(ctx context.Context, address string, failed chan<- error) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0))), ReadHeaderTimeout: 10 * time.Second}
	go func() { failed <- server.Serve(l) }()
	context.AfterFunc(ctx, func() { _ = server.Close() }) // it ends with the process
	return nil
}

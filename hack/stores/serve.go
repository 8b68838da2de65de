package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
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

// serveS3 starts the gateway over a folder. It keeps metadata in files, since not every file system has extended attributes.
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
			RootUserAccess: o.accessKey, RootUserSecret: o.secretKey, Region: o.region,
			Ports: []string{address}, HealthPath: health, Quiet: true, KeepAlive: true,
			MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10000,
		})
	}()
	return nil
}

func (o options) serveGCS(ctx context.Context, address string, _ chan<- error) error {
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
	if o.seed != "" {
		server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucket})
	}
	return files(o.seed, func(relative string, content []byte) error {
		server.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucket, Name: relative}, Content: content})
		return nil
	})
}

func (o options) serveAzure(ctx context.Context, address string, failed chan<- error) error {
	store := newAzure("account", o.signature)
	err := files(o.seed, func(relative string, content []byte) error {
		store.put(bucket+"/"+relative, content, "")
		return nil
	})
	if err != nil {
		return err
	}
	return serve(ctx, address, o.tls, store, failed)
}

func (o options) serveOCI(ctx context.Context, address string, failed chan<- error) error {
	return serve(ctx, address, "", o.wantsLogin(registry.New(registry.Logger(log.New(io.Discard, "", 0)))), failed)
}

func (o options) serveFiles(ctx context.Context, address string, failed chan<- error) error {
	return serve(ctx, address, "", http.FileServer(http.Dir(o.seed)), failed)
}

func (o options) servePrivate(ctx context.Context, address string, failed chan<- error) error {
	return serve(ctx, address, o.tls, o.wantsLogin(http.FileServer(http.Dir(o.seed))), failed)
}

// wantsLogin passes on requests that have the login.
func (o options) wantsLogin(next http.Handler) http.Handler {
	if o.login == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user+":"+password != o.login {
			w.Header().Set("WWW-Authenticate", `Basic realm="stores"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serveProxy passes on requests for http addresses; for others it would be asked to CONNECT, which nothing here needs.
func serveProxy(ctx context.Context, address string, failed chan<- error) error {
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host }}
	return serve(ctx, address, "", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.IsAbs() {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Println("passing on", r.Method, r.URL)
		pass.ServeHTTP(w, r)
	}), failed)
}

// serve answers until the context ends, over TLS if a folder with a certificate is named.
func serve(ctx context.Context, address, certificate string, handler http.Handler, failed chan<- error) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if certificate == "" {
			failed <- server.Serve(l)
			return
		}
		failed <- server.ServeTLS(l, filepath.Join(certificate, "tls.crt"), filepath.Join(certificate, "tls.key"))
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() }) // it ends with the process
	return nil
}

// Command stores serves files as places where people keep data do: over S3 (versitygw), as Google Cloud Storage
// (fake-gcs-server), as Azure Blob Storage, as an OCI registry (go-containerregistry) and as web servers, open and closed; and it
// is a proxy. It is for tests and for the end-to-end cluster, and a module of its own, since versitygw alone brings clients for
// LDAP, Vault, Kafka and more.
//
// It prints one line for each store when that answers, such as "s3 http://127.0.0.1:40123", and then "ready".
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	s3, gcs, azure, oci   string
	files, private, proxy string
	dir, seed, tls        string
	accessKey, secretKey  string
	region                string
	signature             string
	login                 string
	versions, untilEOF    bool
}

func main() {
	var o options
	flag.StringVar(&o.s3, "s3", "", "address to serve S3 on, such as 127.0.0.1:0; empty does not")
	flag.StringVar(&o.gcs, "gcs", "", "address to serve Google Cloud Storage on; empty does not")
	flag.StringVar(&o.azure, "azure", "", "address to serve Azure Blob Storage on, for the account \"account\"; empty does not")
	flag.StringVar(&o.oci, "oci", "", "address to serve an OCI registry on; empty does not")
	flag.StringVar(&o.files, "files", "", "address to serve the files of -seed on to everyone; empty does not")
	flag.StringVar(&o.private, "private", "", "address to serve the files of -seed on to those with the login; empty does not")
	flag.StringVar(&o.proxy, "proxy", "", "address of a proxy that prints what it is asked for; empty is none")
	flag.StringVar(&o.dir, "dir", "", "empty folder for what S3 keeps")
	flag.StringVar(&o.seed, "seed", "", "folder whose files are put into the bucket or container \"datasets\", and, for each folder in it, into the artifact datasets/<folder>:v1")
	flag.StringVar(&o.tls, "tls", "", "folder with tls.crt and tls.key: -azure and -private are served over TLS; empty is not")
	flag.StringVar(&o.accessKey, "access-key", "access", "access key of S3")
	flag.StringVar(&o.secretKey, "secret-key", "secret", "secret key of S3")
	flag.StringVar(&o.region, "region", "us-east-1", "region of S3")
	flag.StringVar(&o.signature, "signature", "signature", "signature of addresses (sig=…) that Azure's store lets in; keys of the account are not checked")
	flag.StringVar(&o.login, "login", "", "username:password that -oci and -private want; empty wants none")
	flag.BoolVar(&o.versions, "versions", false, "let buckets of S3 keep versions where their clients turn that on")
	flag.BoolVar(&o.untilEOF, "until-eof", false, "end with standard input, and so with the process that holds its other end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if o.untilEOF {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // its end is all that matters
			end()
		}()
	}
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stores:", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func (o options) run(ctx context.Context) error {
	failed := make(chan error, 7)
	for _, store := range []struct {
		name, address, probe string
		serve                func(ctx context.Context, address string, failed chan<- error) error
	}{
		{"s3", o.s3, health, o.serveS3},
		{"gcs", o.gcs, "/storage/v1/b", o.serveGCS},
		{"azure", o.azure, "/", o.serveAzure},
		{"oci", o.oci, "/v2/", o.serveOCI},
		{"files", o.files, "/", o.serveFiles},
		{"private", o.private, "/", o.servePrivate},
		{"proxy", o.proxy, "/", serveProxy},
	} {
		if store.address == "" {
			continue
		}
		address, err := free(ctx, store.address)
		if err != nil {
			return err
		}
		if err := store.serve(ctx, address, failed); err != nil {
			return fmt.Errorf("%s: %w", store.name, err)
		}
		if err := answers(ctx, "http://"+local(address)+store.probe, failed); err != nil {
			return fmt.Errorf("%s: %w", store.name, err)
		}
		if err := o.fill(ctx, store.name, local(address)); err != nil {
			return fmt.Errorf("%s: filling it: %w", store.name, err)
		}
		scheme := "http"
		if o.tls != "" && (store.name == "azure" || store.name == "private") {
			scheme = "https"
		}
		fmt.Printf("%s %s://%s\n", store.name, scheme, local(address))
	}
	fmt.Println("ready")
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// free returns an address with a port: the one that is given, else one that is free at this moment. The gateway does not accept a listener.
func free(ctx context.Context, address string) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer l.Close()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return net.JoinHostPort(host, port), err
}

// local returns where this process reaches an address that it serves.
func local(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err == nil && (host == "" || host == "0.0.0.0" || host == "::") {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// answers waits until a store answers.
func answers(ctx context.Context, url string, failed <-chan error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case <-tick.C:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
			return nil
		}
	}
	return errors.New("it does not answer")
}

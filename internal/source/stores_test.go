package source_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Credentials of the S3 server.
const (
	accessKey = "AKIDATASETMIX"
	secretKey = "s3-secret-key"
)

// stores are real servers in a process of their own: versitygw for S3, fake-gcs-server for Google Cloud Storage.
type stores struct {
	folder string
	stdin  io.Closer
	done   chan struct{}
	urls   map[string]string
}

var started = sync.OnceValues(startStores)

func TestMain(m *testing.M) {
	code := m.Run()
	if running.Load() {
		if s, err := started(); err == nil {
			s.stop()
		}
	}
	os.Exit(code)
}

var running atomic.Bool

// startStores builds hack/stores, which is a module of its own, and starts it. It ends with this process.
func startStores() (*stores, error) {
	running.Store(true)
	folder, err := os.MkdirTemp("", "stores")
	if err != nil {
		return nil, err
	}
	s := &stores{folder: folder, done: make(chan struct{}), urls: map[string]string{}}
	program := filepath.Join(folder, "stores")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join("..", "..", "hack", "stores")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // it is not what is tested
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building hack/stores: %w\n%s", err, out)
	}
	run := exec.Command(program, "-until-eof", "-s3=127.0.0.1:0", "-gcs=127.0.0.1:0", "-versions",
		"-dir="+filepath.Join(folder, "s3"), "-access-key="+accessKey, "-secret-key="+secretKey)
	run.Stderr = os.Stderr
	if s.stdin, err = run.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := run.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := run.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
		name, url, _ := strings.Cut(lines.Text(), " ")
		s.urls[name] = url
	}
	go func() {
		_, _ = io.Copy(io.Discard, out) // until it ends
		_ = run.Wait()                  // how it ends is in its own words, above
		close(s.done)
	}()
	if s.urls["s3"] == "" || s.urls["gcs"] == "" {
		s.stop()
		return nil, errors.New("hack/stores did not start; see above")
	}
	return s, nil
}

func (s *stores) stop() {
	_ = s.stdin.Close() // which ends it
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
	}
	_ = os.RemoveAll(s.folder) // a temporary folder
}

// store gives the address of a server.
func store(t *testing.T, name string) string {
	t.Helper()
	s, err := started()
	if err != nil {
		t.Fatal(err)
	}
	return s.urls[name]
}

// unique gives each subject a bucket of its own.
var unique atomic.Int64

func newBucketName() string { return fmt.Sprintf("bucket-%d", unique.Add(1)) }

// s3Bucket is a bucket of the S3 server, as its owner writes to it.
type s3Bucket struct {
	t      *testing.T
	client *s3.Client
	name   string
}

func newS3Bucket(t *testing.T, versions bool) s3Bucket {
	t.Helper()
	endpoint := store(t, "s3")
	b := s3Bucket{t: t, name: newBucketName(), client: s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, UsePathStyle: true,
		Credentials:                awscredentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})}
	if _, err := b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b.name}); err != nil {
		t.Fatal(err)
	}
	if versions {
		_, err := b.client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket: &b.name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// put writes an object; algorithm is that of the checksum that is stored with it, empty is none.
func (b s3Bucket) put(key string, content []byte, algorithm types.ChecksumAlgorithm) {
	b.t.Helper()
	_, err := b.client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: strings.NewReader(string(content)), ChecksumAlgorithm: algorithm,
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// putInParts writes an object as large ones are written: in parts, whose checksums are not that of the whole.
func (b s3Bucket) putInParts(key string, contents ...[]byte) {
	b.t.Helper()
	ctx := context.Background()
	begun, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: &key})
	if err != nil {
		b.t.Fatal(err)
	}
	var parts []types.CompletedPart
	for i, content := range contents {
		number := aws.Int32(int32(i + 1))
		done, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &b.name, Key: &key, UploadId: begun.UploadId, PartNumber: number, Body: strings.NewReader(string(content)),
		})
		if err != nil {
			b.t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{ETag: done.ETag, PartNumber: number})
	}
	_, err = b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &b.name, Key: &key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// secretFolder is a mounted Secret.
func secretFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

var s3Secret = map[string]string{"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey}

// proxyTo passes requests on as they are: what is signed stays right. A request whose range a fault took away is signed again, as
// the server would refuse it else.
func proxyTo(t *testing.T, address string) http.Handler {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			if strings.Contains(r.In.Header.Get("Authorization"), ";range;") && r.In.Header.Get("Range") == "" {
				signer, holder := v4.NewSigner(), aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}
				r.Out.Header.Del("Authorization")
				if err := signer.SignHTTP(r.In.Context(), holder, r.Out, r.In.Header.Get("X-Amz-Content-Sha256"), "s3", "us-east-1", time.Now()); err != nil {
					t.Error(err)
				}
			}
		},
		Transport:    &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 8},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) },
	}
}

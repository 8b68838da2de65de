package open_test

import (
	"bytes"
	"context"
	"crypto/md5" // as Azure has it
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/datasetmix/datasetmix/internal/testing/stores"
)

// Credentials of the stores.
const (
	accessKey      = "AKIDATASETMIX"
	secretKey      = "s3-secret-key"
	azureSignature = "signature-secret"
)

var storeServers = stores.Share(func() (*stores.Stores, error) {
	return stores.Start("../../../hack/stores", "-s3=127.0.0.1:0", "-gcs=127.0.0.1:0", "-azure=127.0.0.1:0", "-versions",
		"-access-key="+accessKey, "-secret-key="+secretKey, "-signature="+azureSignature)
})

func TestMain(m *testing.M) { os.Exit(storeServers.Main(m)) }

// store returns the address of a server.
func store(t *testing.T, name string) string {
	t.Helper()
	return storeServers.URL(t, name)
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

// azureContainer is a container of the stand-in for Azure, as its owner writes to it.
type azureContainer struct {
	t    *testing.T
	name string
	// sums says that blobs are written with their MD5.
	sums bool
}

func (c azureContainer) put(name string, content []byte) {
	c.t.Helper()
	address := store(c.t, "azure") + "/account/" + c.name + "/" + name + "?sig=" + azureSignature
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, address, bytes.NewReader(content))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.sums {
		sum := md5.Sum(content)
		request.Header.Set("X-Ms-Blob-Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		c.t.Fatalf("%s: %s", name, answer.Status)
	}
}

// secretFolder returns a mounted Secret.
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

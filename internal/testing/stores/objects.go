package stores

import (
	"bytes"
	"context"
	"crypto/md5" // as Azure has it
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Credentials of the servers that Objects starts.
const (
	AccessKey = "AKIDATASETMIX"
	SecretKey = "s3-secret-key"
	Signature = "signature-secret"
)

// S3Secret is a Secret with the credentials of S3.
var S3Secret = map[string]string{"AWS_ACCESS_KEY_ID": AccessKey, "AWS_SECRET_ACCESS_KEY": SecretKey}

// Objects returns S3, which can keep versions, Google Cloud Storage and Azure Blob Storage for the tests of a package. The folder of
// hack/stores is named from the package's own.
func Objects(module string) *Shared {
	return Share(func() (*Stores, error) {
		return Start(module, "-s3=127.0.0.1:0", "-gcs=127.0.0.1:0", "-azure=127.0.0.1:0", "-versions",
			"-access-key="+AccessKey, "-secret-key="+SecretKey, "-signature="+Signature)
	})
}

var names atomic.Int64

// NewName returns a name for a bucket that no other test of the process has.
func NewName() string { return fmt.Sprintf("bucket-%d", names.Add(1)) }

// Bucket is a bucket of the S3 server, as its owner writes to it.
type Bucket struct {
	Name   string
	t      *testing.T
	client *s3.Client
}

// NewBucket returns a new bucket, which keeps the versions of its objects if that is wanted.
func (s *Shared) NewBucket(t *testing.T, versions bool) Bucket {
	t.Helper()
	endpoint := s.URL(t, "s3")
	b := Bucket{t: t, Name: NewName(), client: s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, UsePathStyle: true,
		Credentials:                awscredentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})}
	if _, err := b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b.Name}); err != nil {
		t.Fatal(err)
	}
	if versions {
		_, err := b.client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket: &b.Name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// Put writes an object; algorithm is that of the checksum that is stored with it, empty for none.
func (b Bucket) Put(key string, content []byte, algorithm types.ChecksumAlgorithm) {
	b.t.Helper()
	_, err := b.client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: &b.Name, Key: &key, Body: strings.NewReader(string(content)), ChecksumAlgorithm: algorithm,
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// PutInParts writes an object as large ones are written: in parts, whose checksums are not that of the whole.
func (b Bucket) PutInParts(key string, contents ...[]byte) {
	b.t.Helper()
	ctx := context.Background()
	begun, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b.Name, Key: &key})
	if err != nil {
		b.t.Fatal(err)
	}
	var parts []types.CompletedPart
	for i, content := range contents {
		number := aws.Int32(int32(i + 1))
		done, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &b.Name, Key: &key, UploadId: begun.UploadId, PartNumber: number, Body: strings.NewReader(string(content)),
		})
		if err != nil {
			b.t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{ETag: done.ETag, PartNumber: number})
	}
	_, err = b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &b.Name, Key: &key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// Container is a container of the stand-in for Azure, as its owner writes to it.
type Container struct {
	Name string
	t    *testing.T
	url  string
	sums bool
}

// NewContainer returns a new container. With sums, its blobs are written with their MD5.
func (s *Shared) NewContainer(t *testing.T, sums bool) Container {
	t.Helper()
	name := NewName()
	return Container{name, t, s.URL(t, "azure") + "/account/" + name, sums}
}

// Put writes a blob.
func (c Container) Put(name string, content []byte) {
	c.t.Helper()
	address := c.url + "/" + name + "?sig=" + Signature
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

// Proxy returns a handler that passes requests on to a server, unchanged, so that their signatures stay valid. A request whose range a
// fault took away is signed again, since the server would refuse it otherwise.
func (s *Shared) Proxy(t *testing.T, name string) http.Handler {
	t.Helper()
	target, err := url.Parse(s.URL(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			if strings.Contains(r.In.Header.Get("Authorization"), ";range;") && r.In.Header.Get("Range") == "" {
				signer, holder := v4.NewSigner(), aws.Credentials{AccessKeyID: AccessKey, SecretAccessKey: SecretKey}
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

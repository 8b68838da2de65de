package objectstore_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/objectstore"
	"github.com/datasetmix/datasetmix/internal/source/transport"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
	"github.com/datasetmix/datasetmix/internal/testing/stores"
)

var servers = stores.Objects("../../../hack/stores")

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// options are those of a source and of what is around it.
type options struct {
	store   objectstore.Options
	network transport.Options
	reading source.Options
}

// open returns the source of a specification. Its clock never waits.
func (o options) open(spec recipe.ObjectStore) (source.Source, *sources.Clock, error) {
	clock := sources.NewClock()
	o.reading.Retry = sources.Options(clock).Retry
	client, err := transport.NewClient(o.network, o.reading.Retry)
	if err != nil {
		return nil, nil, err
	}
	kind, err := objectstore.New(spec, o.store, client)
	if err != nil {
		return nil, clock, err
	}
	return source.Wrap(kind, o.reading), clock, nil
}

// opened returns the source of a specification that can work.
func opened(t *testing.T, spec recipe.ObjectStore, o options) source.Source {
	t.Helper()
	s, _, err := o.open(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withSecret returns options with the Secret of the S3 server.
func withSecret(t *testing.T) options {
	return options{store: objectstore.Options{Secret: sources.Secret(t, stores.S3Secret)}}
}

// below returns the specification of what is below a path of a bucket of the S3 server.
func below(t *testing.T, bucket stores.Bucket, path string, files ...string) recipe.ObjectStore {
	return recipe.ObjectStore{URL: "s3://" + bucket.Name + path, Files: files, Endpoint: servers.URL(t, "s3"), Access: recipe.AccessSecret}
}

// trusting returns options that trust a server over TLS.
func trusting(server *httptest.Server) options {
	return options{network: transport.Options{
		CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	}}
}

// only returns the one file of a source.
func only(t *testing.T, s source.Source) source.File {
	t.Helper()
	l, err := s.Resolve(t.Context())
	if err != nil || len(l.Files) != 1 {
		t.Fatalf("listed %v, %v; want one file", l.Files, err)
	}
	return l.Files[0]
}

func TestWhichObjectsAreRead(t *testing.T) {
	bucket := servers.NewBucket(t, false)
	for _, key := range []string{
		"math/train-1.jsonl", "math/train-0.jsonl", "math/deep/er/a.jsonl", "math/_SUCCESS", "math/.index/x", "math20/other.jsonl",
		"math/odd name+[1].jsonl", "top.jsonl",
	} {
		bucket.Put(key, []byte(key), "")
	}
	bucket.Put("math/folder/", nil, "") // as consoles mark folders
	for _, tc := range []struct {
		path  string
		files []string
		want  []string
	}{
		{"/math", nil, []string{"math/deep/er/a.jsonl", "math/odd name+[1].jsonl", "math/train-0.jsonl", "math/train-1.jsonl"}},
		{"/math/", []string{"train-*.jsonl"}, []string{"math/train-0.jsonl", "math/train-1.jsonl"}},
		{"/math", []string{"**/*.jsonl"}, []string{"math/deep/er/a.jsonl", "math/odd name+[1].jsonl", "math/train-0.jsonl", "math/train-1.jsonl"}},
		{"/math", []string{"deep/*/a.jsonl", "deep/er/*"}, []string{"math/deep/er/a.jsonl"}},
		{"/math", []string{"_SUCCESS"}, []string{"math/_SUCCESS"}},
		{"/math", []string{`odd name+\[1\].jsonl`}, []string{"math/odd name+[1].jsonl"}},
		{"/math/train-1.jsonl", nil, []string{"math/train-1.jsonl"}},
		{"", []string{"*.jsonl"}, []string{"top.jsonl"}},
		{"", []string{"math/deep/**", "math20/*"}, []string{"math/deep/er/a.jsonl", "math20/other.jsonl"}},
	} {
		t.Run(tc.path+" "+strings.Join(tc.files, " "), func(t *testing.T) {
			l, err := opened(t, below(t, bucket, tc.path, tc.files...), withSecret(t)).Resolve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, sources.Paths(l)); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
	for _, tc := range []struct {
		path  string
		files []string
		want  contract.Reason
	}{
		{"/math", []string{"*.parquet"}, contract.FileNotFound},
		{"/math/.index", []string{"*.jsonl"}, contract.FileNotFound},
		{"/mat", nil, contract.SourceEmpty}, // which is no folder, though keys begin so
	} {
		_, err := opened(t, below(t, bucket, tc.path, tc.files...), withSecret(t)).Resolve(t.Context())
		sources.WantReason(t, err, tc.want)
	}
}

// TestListingsHavePages: Azure's stand-in has pages of three.
func TestListingsHavePages(t *testing.T) {
	container := servers.NewContainer(t, false)
	var want []string
	for i := range 10 {
		want = append(want, fmt.Sprintf("data/%02d.jsonl", i))
		container.Put(want[i], []byte("x"))
	}
	var signed, asked atomic.Int64
	through := servers.Proxy(t, "azure")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasPrefix(r.Header.Get("Authorization"), "SharedKey account:") {
			signed.Add(1)
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	o := trusting(server)
	o.store.Secret = sources.Secret(t, map[string]string{"AZURE_STORAGE_KEY": "c2VjcmV0"})
	s := opened(t, recipe.ObjectStore{URL: "azblob://" + container.Name + "/data", Endpoint: server.URL + "/account", Access: recipe.AccessSecret}, o)
	l, err := s.Resolve(t.Context())
	if diff := cmp.Diff(want, sources.Paths(l)); err != nil || diff != "" {
		t.Errorf("%v, objects (-want +got):\n%s", err, diff)
	}
	if asked.Load() != 4 || signed.Load() != asked.Load() {
		t.Errorf("%d requests, %d of them signed by the account's key", asked.Load(), signed.Load())
	}
}

// TestLargeObjectsComeInParts: the parts are those of the object, in order, from any offset, and several are under way at once.
func TestLargeObjectsComeInParts(t *testing.T) {
	content := bytes.Repeat(sources.Text(), 500) // 20 MB: five parts
	bucket := servers.NewBucket(t, false)
	bucket.Put("large.jsonl", content, "")
	var now, most atomic.Int64
	through := servers.Proxy(t, "s3")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			for n := now.Add(1); ; {
				before := most.Load()
				if n <= before || most.CompareAndSwap(before, n) {
					break
				}
			}
			defer now.Add(-1)
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	spec := below(t, bucket, "/large.jsonl")
	spec.Endpoint = server.URL
	o, came := withSecret(t), atomic.Int64{}
	o.reading.Progress = func(n int64) { came.Add(n) }
	s := opened(t, spec, o)
	f := only(t, s)
	for _, offset := range []int64{0, 1, 4 << 20, 4<<20 + 1, f.Size - 1, f.Size} {
		came.Store(0)
		got, err := sources.Read(s, f, offset)
		if err != nil || !bytes.Equal(got, content[offset:]) || came.Load() != f.Size-offset {
			t.Errorf("from %d: %d bytes, %d told, %v", offset, len(got), came.Load(), err)
		}
	}
	if most.Load() < 2 {
		t.Errorf("%d parts were under way at once", most.Load())
	}
	bucket.Put("large.jsonl", bytes.ToUpper(content), "")
	_, err := sources.Read(s, f, 0)
	sources.WantReason(t, err, contract.FetchFailed)

	ctx, cancel := context.WithCancel(t.Context())
	body, err := s.Open(ctx, f, 0)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, body); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
}

// TestCredentialsOfStoresAreInNoMessage: wrong, missing and damaged credentials of every kind end at once and for good, with
// a message that says what to do and repeats none of them.
func TestCredentialsOfStoresAreInNoMessage(t *testing.T) {
	const wrong = "s3cr3t-value"
	bucket := servers.NewBucket(t, false)
	bucket.Put("a.jsonl", sources.Text(), "")
	azure := httptest.NewTLSServer(servers.Proxy(t, "azure"))
	t.Cleanup(azure.Close)
	gs := recipe.ObjectStore{URL: "gs://corpora", Endpoint: "https://storage.example.com", Access: recipe.AccessSecret}
	az := recipe.ObjectStore{URL: "azblob://corpora", Endpoint: azure.URL + "/account", Access: recipe.AccessSecret}
	s3, anonymous := below(t, bucket, ""), below(t, bucket, "")
	anonymous.Access = ""
	for _, tc := range []struct {
		name   string
		spec   recipe.ObjectStore
		secret map[string]string
		says   string
	}{
		{"a wrong key", s3, map[string]string{"AWS_ACCESS_KEY_ID": stores.AccessKey, "AWS_SECRET_ACCESS_KEY": wrong}, "SignatureDoesNotMatch"},
		{"no key", s3, map[string]string{"AWS_SECRET_ACCESS_KEY": wrong}, "have no AWS_ACCESS_KEY_ID"},
		{"no secret key", s3, map[string]string{"AWS_ACCESS_KEY_ID": wrong}, "have no AWS_SECRET_ACCESS_KEY"},
		{"nobody", anonymous, nil, "AccessDenied"},
		{"a wrong signature", az, map[string]string{"AZURE_STORAGE_SAS_TOKEN": "sig=" + wrong}, "AuthenticationFailed"},
		{"a damaged key", az, map[string]string{"AZURE_STORAGE_KEY": wrong + "!"}, "is not base64"},
		{"no key of Azure", az, map[string]string{}, "have no AZURE_STORAGE_KEY"},
		{"a damaged key of Google", gs, map[string]string{"credentials.json": `{"type":"service_account","private_key":"` + wrong + `"`}, "credentials.json"},
		{"a key of Google that is none", gs, map[string]string{"credentials.json": `{"type":"authorized_user","refresh_token":"` + wrong + `"}`}, "credentials.json"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := trusting(azure)
			if tc.secret != nil {
				o.store.Secret = sources.Secret(t, tc.secret)
			}
			s, clock, err := o.open(tc.spec)
			if err == nil {
				_, err = s.Resolve(t.Context())
			}
			sources.WantReason(t, err, contract.AuthenticationFailed)
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(e.Error(), wrong) || strings.Contains(e.Error(), stores.SecretKey) {
					t.Errorf("%q holds a credential", e)
				}
			}
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("message %q, want %q", err, tc.says)
			}
			if n := len(clock.Waits()); n > 0 {
				t.Errorf("waited %d times", n)
			}
		})
	}
}

// TestAWorkloadTakesOnARole: the worker shows its token to AWS's service for that, and asks with what it gets.
func TestAWorkloadTakesOnARole(t *testing.T) {
	bucket := servers.NewBucket(t, false)
	bucket.Put("a.jsonl", sources.Text(), "")
	var asked url.Values
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // a form that cannot be read holds nothing
		asked = r.PostForm
		if r.PostForm.Get("WebIdentityToken") != "token-of-the-pod" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>s3cr3t</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken></SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, stores.AccessKey, stores.SecretKey)
	}))
	t.Cleanup(sts.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
	token := filepath.Join(t.TempDir(), "identity")
	spec := below(t, bucket, "")
	spec.Access, spec.RoleARN = recipe.AccessWorkloadIdentity, "arn:aws:iam::123456789012:role/reader"
	resolve := func(content string) (source.Listing, error) {
		if err := os.WriteFile(token, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return opened(t, spec, options{store: objectstore.Options{Identity: token}}).Resolve(t.Context())
	}
	l, err := resolve("token-of-the-pod")
	if err != nil || !slices.Equal(sources.Paths(l), []string{"a.jsonl"}) {
		t.Fatalf("%v, %v", sources.Paths(l), err)
	}
	if asked.Get("RoleArn") != spec.RoleARN || asked.Get("Action") != "AssumeRoleWithWebIdentity" {
		t.Errorf("asked for %v", asked)
	}
	_, err = resolve("s3cr3t-other")
	sources.WantReason(t, err, contract.AuthenticationFailed)
	if strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("message %q", err)
	}
}

// TestRefusalsOfStores: what only the store knows is in the message.
func TestRefusalsOfStores(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		w.WriteHeader(http.StatusMovedPermanently)
	}))
	t.Cleanup(elsewhere.Close)
	for name, tc := range map[string]struct {
		spec recipe.ObjectStore
		says string
	}{
		"a bucket that is not there": {recipe.ObjectStore{URL: "s3://no-such-bucket", Endpoint: servers.URL(t, "s3"), Access: recipe.AccessSecret}, "NoSuchBucket"},
		"a bucket of another region": {recipe.ObjectStore{URL: "s3://corpora", Endpoint: elsewhere.URL}, "in region eu-west-1 and was asked for in us-east-1"},
		"a bucket of Google's":       {recipe.ObjectStore{URL: "gs://no-such-bucket", Endpoint: servers.URL(t, "gcs")}, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := opened(t, tc.spec, withSecret(t)).Resolve(t.Context())
			sources.WantReason(t, err, contract.SourceNotFound)
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("message %q, want %q", err, tc.says)
			}
		})
	}
}

func TestNewRefusesStoresThatCannotWork(t *testing.T) {
	for url, spec := range map[string]recipe.ObjectStore{
		"another scheme":          {URL: "ftp://corpora"},
		"a query":                 {URL: "s3://corpora/?secret=1"},
		"no bucket":               {URL: "s3:///key"},
		"no account":              {URL: "azblob://corpora"},
		"a password":              {URL: "s3://corpora", Endpoint: "https://u:secret@minio"},
		"a pattern that is none":  {URL: "s3://corpora", Files: []string{"a["}},
		"a signature without TLS": {URL: "azblob://corpora", Endpoint: "http://azure/account", Access: recipe.AccessSecret},
	} {
		t.Run(url, func(t *testing.T) {
			_, _, err := options{}.open(spec)
			sources.WantReason(t, err, contract.InvalidTask)
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("message %q", err)
			}
		})
	}
}

// TestLargeObjectsAreBounded: what is too large for any other source is too large in parts.
func TestLargeObjectsAreBounded(t *testing.T) {
	content := make([]byte, 5<<20)
	bucket := servers.NewBucket(t, false)
	bucket.Put("large.jsonl", content, "")
	o := withSecret(t)
	o.reading.MaxFile = int64(len(content)) - 1
	s := opened(t, below(t, bucket, "/large.jsonl"), o)
	_, _, err := sources.Fetch(t, s, only(t, s), nil)
	if err == nil || !contract.ReasonOf(err).Permanent() {
		t.Errorf("%v, want a failure for good", err)
	}
}

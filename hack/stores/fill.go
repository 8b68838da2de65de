package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	oci "github.com/google/go-containerregistry/pkg/v1/types"
)

// bucket and tag are where the files of -seed are.
const (
	bucket = "datasets"
	tag    = "v1"
	title  = "org.opencontainers.image.title"
)

// fill puts the files of -seed into a store that is filled as its users would.
func (o options) fill(ctx context.Context, store, address string) error {
	if o.seed == "" {
		return nil
	}
	switch store {
	case "s3":
		return o.fillS3(ctx, "http://"+address)
	case "oci":
		return o.fillOCI(ctx, address)
	default:
		return nil
	}
}

// files reads a folder's files; an empty name is no folder.
func files(folder string, visit func(relative string, content []byte) error) error {
	if folder == "" {
		return nil
	}
	tree := os.DirFS(folder)
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		return visit(name, content)
	})
}

func (o options) fillS3(ctx context.Context, endpoint string) error {
	client := s3.New(s3.Options{
		Region: o.region, BaseEndpoint: &endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(o.accessKey, o.secretKey, ""),
	})
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		return err
	}
	return files(o.seed, func(relative string, content []byte) error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: &relative, Body: bytes.NewReader(content), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		})
		return err
	})
}

// fillOCI makes an artifact of each folder: a layer for each file, named by its title, as ORAS does.
func (o options) fillOCI(ctx context.Context, address string) error {
	folders, err := os.ReadDir(o.seed)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		artifact := mutate.MediaType(mutate.ConfigMediaType(empty.Image, "application/vnd.oci.empty.v1+json"), oci.OCIManifestSchema1)
		err := files(filepath.Join(o.seed, folder.Name()), func(relative string, content []byte) (err error) {
			artifact, err = mutate.Append(artifact, mutate.Addendum{
				Layer: static.NewLayer(content, "application/octet-stream"), Annotations: map[string]string{title: relative},
			})
			return err
		})
		if err != nil {
			return err
		}
		if err := o.push(ctx, path.Join(address, bucket, folder.Name()), artifact); err != nil {
			return err
		}
	}
	return nil
}

func (o options) push(ctx context.Context, repository string, artifact v1.Image) error {
	reference, err := name.ParseReference(repository+":"+tag, name.Insecure)
	if err != nil {
		return err
	}
	user, password, _ := strings.Cut(o.login, ":")
	return remote.Write(reference, artifact, remote.WithContext(ctx), remote.WithAuth(&authn.Basic{Username: user, Password: password}))
}

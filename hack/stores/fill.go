package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
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

// fill puts the files of -seed into a store.
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

// files walks a folder's files.
func files(folder string, visit func(relative, file string) error) error {
	return filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(folder, file)
		return errors.Join(err, visit(filepath.ToSlash(relative), file))
	})
}

func (o options) fillS3(ctx context.Context, endpoint string) error {
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(o.accessKey, o.secretKey, ""),
	})
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		return err
	}
	return files(o.seed, func(relative, file string) error {
		content, err := os.Open(file)
		if err != nil {
			return err
		}
		defer content.Close()
		_, err = client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: &relative, Body: content, ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
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
		artifact := mutate.MediaType(mutate.ConfigMediaType(empty.Image, "application/vnd.oci.empty.v1+json"), oci.OCIManifestSchema1)
		err := files(filepath.Join(o.seed, folder.Name()), func(relative, file string) error {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			artifact, err = mutate.Append(artifact, mutate.Addendum{
				Layer: static.NewLayer(content, "application/octet-stream"), Annotations: map[string]string{title: relative},
			})
			return err
		})
		if err != nil {
			return err
		}
		if err := push(ctx, path.Join(address, bucket, folder.Name()), artifact); err != nil {
			return err
		}
	}
	return nil
}

func push(ctx context.Context, repository string, artifact v1.Image) error {
	reference, err := name.ParseReference(repository+":"+tag, name.Insecure)
	if err != nil {
		return err
	}
	return remote.Write(reference, artifact, remote.WithContext(ctx))
}

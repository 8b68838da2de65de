package objectstore

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/transport"
)

// Keys of a Secret for S3, as AWS's own tools call them.
const (
	keyAccessKeyID     = "AWS_ACCESS_KEY_ID"
	keySecretAccessKey = "AWS_SECRET_ACCESS_KEY"
	keySessionToken    = "AWS_SESSION_TOKEN"
)

const defaultRegion = "us-east-1"

// openS3 opens a bucket of S3. An object is pinned by its ETag, and by its version where the bucket keeps versions.
func openS3(spec recipe.ObjectStore, name string, c credentials) (provider, error) {
	region := spec.Region
	if region == "" {
		region = defaultRegion
	}
	holder, err := s3Credentials(spec, region, c)
	if err != nil {
		return provider{}, err
	}
	options := s3.Options{
		Region: region, HTTPClient: c.client, Credentials: holder, Retryer: aws.NopRetryer{},
		UsePathStyle: spec.Addressing == recipe.AddressPath || spec.Addressing == "" && spec.Endpoint != "",
		// File.Checksum is checked over the whole file, whatever parts it came in.
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	}
	if spec.Endpoint != "" {
		options.BaseEndpoint = &spec.Endpoint
	}
	client := s3.New(options)
	opened, err := s3blob.OpenBucket(context.Background(), client, name, nil)
	if err != nil {
		return provider{}, contract.Failf(contract.InvalidTask, "%s cannot be opened: %w.", spec.URL, err)
	}
	return provider{
		Bucket: opened, describe: describeS3, hold: holdS3, code: codeS3,
		exact: func(ctx context.Context, f *source.File) error { return exactS3(ctx, client, name, f) },
		hint: func(a *transport.Answer) string {
			if in := a.Header.Get("X-Amz-Bucket-Region"); in != "" && in != region {
				return fmt.Sprintf("The bucket is in region %s and was asked for in %s: set region.", contract.Clean(in, 40), region)
			}
			return ""
		},
	}, nil
}

// s3Credentials returns the credentials of the Secret, those of a workload, or none. The service that gives every process of a machine
// the machine's own credentials is never asked.
func s3Credentials(spec recipe.ObjectStore, region string, c credentials) (aws.CredentialsProvider, error) {
	switch {
	case spec.Access == "" || spec.Access == recipe.AccessAnonymous:
		return aws.AnonymousCredentials{}, nil
	case spec.Access == recipe.AccessSecret && c.Folder != "":
		id, err := c.Required(keyAccessKeyID)
		if err != nil {
			return nil, err
		}
		secret, err := c.Required(keySecretAccessKey)
		if err != nil {
			return nil, err
		}
		session, err := c.Optional(keySessionToken)
		return awscredentials.NewStaticCredentialsProvider(id, secret, session), err
	}
	role, token := spec.RoleARN, c.token
	if role == "" || token == "" { // as a webhook of the cluster has set it
		role, token = os.Getenv("AWS_ROLE_ARN"), os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE")
	}
	if role != "" && token != "" {
		return takeOn(role, token, region, c), nil
	}
	return ownCredentials(spec, region, c)
}

// takeOn exchanges a token for the credentials of a role.
func takeOn(role, token, region string, c credentials) aws.CredentialsProvider {
	options := sts.Options{Region: region, HTTPClient: c.client, Retryer: aws.NopRetryer{}, Credentials: aws.AnonymousCredentials{}}
	if at := os.Getenv("AWS_ENDPOINT_URL_STS"); at != "" {
		options.BaseEndpoint = &at
	}
	return aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(sts.New(options), role, stscreds.IdentityTokenFile(token),
		func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = "datasetmix" }))
}

// ownCredentials returns the credentials that a person's AWS tools use on this machine.
func ownCredentials(spec recipe.ObjectStore, region string, c credentials) (aws.CredentialsProvider, error) {
	options := []func(*config.LoadOptions) error{
		config.WithRegion(region), config.WithEC2IMDSClientEnableState(imds.ClientDisabled),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
	}
	if os.Getenv("AWS_CA_BUNDLE") == "" { // which the library puts into a client of its own, and into no other
		options = append(options, config.WithHTTPClient(c.client))
	}
	loaded, err := config.LoadDefaultConfig(context.Background(), options...)
	if err != nil { // whose text may hold a part of the files
		return nil, contract.Failf(contract.AuthenticationFailed, "The credentials for %s cannot be loaded. Check AWS_PROFILE and the files of the AWS tools.", spec.URL)
	}
	return loaded.Credentials, nil
}

func describeS3(o *blob.ListObject, f *source.File) error {
	var object types.Object
	if o.As(&object) {
		f.Path, f.Validator = aws.ToString(object.Key), aws.ToString(object.ETag)
	}
	return pinnedBy(f, f.Validator)
}

// pinnedBy refuses an object that nothing pins.
func pinnedBy(f *source.File, mark string) error {
	if mark == "" {
		return contract.Failf(contract.FetchFailed, "The listing has neither a version nor a digest of %s, so a change of the object would not be noticed. Check the endpoint.", f.Path)
	}
	return nil
}

// exactS3 looks for an object's version and checksum, which a listing does not have.
func exactS3(ctx context.Context, client *s3.Client, bucket string, f *source.File) error {
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &bucket, Key: &f.Path, IfMatch: &f.Validator, ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		return err
	}
	if version := aws.ToString(head.VersionId); version != "null" { // which is whatever object has no version
		f.Revision = version
	}
	if head.ChecksumType == types.ChecksumTypeComposite { // of the parts' checksums, not of the bytes
		return nil
	}
	if sum := decoded(head.ChecksumSHA256); len(sum) == 32 {
		f.SHA256 = hex.EncodeToString(sum)
	} else if sum := decoded(head.ChecksumCRC64NVME); len(sum) == 8 {
		f.Checksum = source.Checksum(source.CRC64NVME, sum)
	} else if sum := decoded(head.ChecksumCRC32C); len(sum) == 4 {
		f.Checksum = source.Checksum(source.CRC32C, sum)
	}
	return nil
}

// decoded returns a checksum's bytes; nil for a text that is no base64, such as the checksum of an object in parts, which ends in their
// number.
func decoded(sum *string) []byte {
	bytes, err := base64.StdEncoding.DecodeString(aws.ToString(sum))
	if err != nil {
		return nil
	}
	return bytes
}

func holdS3(f source.File, as func(any) bool) {
	var in *s3.GetObjectInput
	if !as(&in) {
		return
	}
	in.IfMatch = aws.String(f.Validator)
	if f.Revision != "" {
		in.VersionId = aws.String(f.Revision)
	}
}

func codeS3(err error) string {
	var known smithy.APIError
	if errors.As(err, &known) {
		return known.ErrorCode()
	}
	return ""
}

package objectstore

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	azblobblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source"
)

// Keys of a Secret for Azure Blob Storage, as its own tools call them: one of both.
const (
	keyAzureKey = "AZURE_STORAGE_KEY"
	keyAzureSAS = "AZURE_STORAGE_SAS_TOKEN"
)

// openAzure opens a container of Azure Blob Storage. A blob is pinned by its ETag, and compared with its Content-MD5 where it has one: most tools
// set it, and the service does not where a blob was written in blocks without it.
func openAzure(spec recipe.ObjectStore, name string, c credentials) (provider, error) {
	if spec.Endpoint == "" {
		return provider{}, contract.Failf(contract.InvalidTask,
			"%s needs an endpoint, which names the storage account, for example https://myaccount.blob.core.windows.net.", spec.URL)
	}
	client, err := azureClient(spec, strings.TrimRight(spec.Endpoint, "/")+"/"+name, c)
	if err != nil {
		return provider{}, err
	}
	opened, err := azureblob.OpenBucket(context.Background(), client, nil)
	if err != nil {
		return provider{}, contract.Failf(contract.InvalidTask, "%s cannot be opened: %w.", spec.URL, err)
	}
	return provider{Bucket: opened, describe: describeAzure, hold: holdAzure, code: codeAzure, unasked: "\\\"#%?"}, nil
}

// azureClient asks with the Secret's key or signature, with the identity that the environment describes, or with nothing.
func azureClient(spec recipe.ObjectStore, address string, c credentials) (*container.Client, error) {
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: c.client,
		Retry:     policy.RetryOptions{MaxRetries: -1},
	}}
	var client *container.Client
	var err error
	switch spec.Access {
	case recipe.AccessSecret:
		shared, signature, missing := azureSecret(spec, c)
		switch {
		case missing != nil:
			return nil, missing
		case shared == nil:
			client, err = container.NewClientWithNoCredential(address+"?"+signature, options)
		default:
			client, err = container.NewClientWithSharedKeyCredential(address, shared, options)
		}
	case recipe.AccessWorkloadIdentity:
		var workload *azidentity.WorkloadIdentityCredential
		if workload, err = azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: options.ClientOptions}); err == nil {
			client, err = container.NewClient(address, workload, options)
		}
	default:
		client, err = container.NewClientWithNoCredential(address, options)
	}
	if err != nil { // whose text may hold the key
		return nil, contract.Failf(contract.AuthenticationFailed,
			"The credentials for %s cannot be used. A Secret has them in %s or %s; a workload in the variables that the cluster's webhook sets.",
			spec.URL, keyAzureKey, keyAzureSAS)
	}
	return client, nil
}

// azureSecret returns the account's key, or the signature of an address.
func azureSecret(spec recipe.ObjectStore, c credentials) (*container.SharedKeyCredential, string, error) {
	signature, err := c.Optional(keyAzureSAS)
	if err != nil || signature != "" {
		return nil, strings.TrimPrefix(signature, "?"), err
	}
	key, err := c.Required(keyAzureKey)
	if err != nil {
		return nil, "", err
	}
	shared, err := azblob.NewSharedKeyCredential(azureAccount(spec.Endpoint), key)
	if err != nil {
		return nil, "", contract.Failf(contract.AuthenticationFailed, "The key %s of the Secret for %s is not base64.", keyAzureKey, spec.URL)
	}
	return shared, "", nil
}

// azureAccount returns the account that an endpoint names: by its host, or by its path where many share a host.
func azureAccount(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	if first, _, _ := strings.Cut(strings.Trim(u.Path, "/"), "/"); first != "" {
		return first
	}
	account, _, _ := strings.Cut(u.Hostname(), ".")
	return account
}

func describeAzure(o *blob.ListObject, f *source.File) error {
	var item container.BlobItem
	if o.As(&item) && item.Name != nil && item.Properties != nil && item.Properties.ETag != nil {
		f.Path = *item.Name
		f.Validator = `"` + strings.Trim(string(*item.Properties.ETag), `"`) + `"` // a listing leaves the quotes out
		if sum := item.Properties.ContentMD5; len(sum) == source.MD5Size {
			f.Checksum = source.Checksum(source.MD5, sum)
		}
	}
	return pinnedBy(f, f.Validator)
}

func holdAzure(f source.File, as func(any) bool) {
	var in *azblobblob.DownloadStreamOptions
	if !as(&in) {
		return
	}
	tag := azcore.ETag(f.Validator)
	in.AccessConditions = &azblobblob.AccessConditions{ModifiedAccessConditions: &azblobblob.ModifiedAccessConditions{IfMatch: &tag}}
}

func codeAzure(err error) string {
	var known *azcore.ResponseError
	if errors.As(err, &known) {
		return known.ErrorCode
	}
	return ""
}

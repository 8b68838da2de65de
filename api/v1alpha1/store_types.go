package v1alpha1

// ObjectStoreSource is the objects below a folder of a bucket: of S3 or a compatible store, of Google Cloud Storage, or of Azure Blob
// Storage. An object is pinned by its version, generation or ETag when it is listed; if it changes later, reading it fails.
//
// +kubebuilder:validation:XValidation:rule="!self.url.startsWith('azblob://') || has(self.endpoint)",message="An azblob url needs an endpoint, which names the storage account, for example https://myaccount.blob.core.windows.net."
// +kubebuilder:validation:XValidation:rule="self.url.startsWith('s3://') || (!has(self.region) && !has(self.addressing) && !has(self.roleARN))",message="The fields region, addressing and roleARN must be set only with an s3 url."
// +kubebuilder:validation:XValidation:rule="!has(self.access) || (self.access == 'Secret') == has(self.secretRef)",message="The access Secret must be set with a secretRef, and no other access with one."
// +kubebuilder:validation:XValidation:rule="!has(self.roleARN) || (has(self.access) && self.access == 'WorkloadIdentity')",message="A roleARN must be set only with the access WorkloadIdentity."
type ObjectStoreSource struct {
	// url is s3://bucket, gs://bucket or azblob://container, and optionally an object or a folder in it, for example
	// s3://corpora/math/v2. A folder is a whole prefix of keys before a slash: math/v2 does not match math/v20.
	//
	// +required
	// +kubebuilder:validation:MinLength=6
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^(s3|gs|azblob)://[A-Za-z0-9$][A-Za-z0-9._-]*(/[^\s?#]*)?$`
	URL string `json:"url,omitempty"`

	// files are globs below the folder, for example "train-*.parquet". Each must match at least one object; the objects are
	// read in the order of their keys. Unset takes the object itself if url names one, else every object below it whose name,
	// and whose folders' names, begin with neither a dot nor an underscore.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Files []FileGlob `json:"files,omitempty"`

	// endpoint is the address of the service, for example https://minio.storage.svc:9000. With azblob it names the storage
	// account: https://myaccount.blob.core.windows.net. Unset is the provider's.
	//
	// +optional
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^https?://[^\s?#@]+$`
	Endpoint string `json:"endpoint,omitempty"`

	// region of an S3 bucket, for example eu-central-1. Unset is us-east-1.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-z0-9][a-z0-9-]*$`
	Region string `json:"region,omitempty"`

	// addressing defines where the name of an S3 bucket is in an address: Path (https://host/bucket/key) or VirtualHost
	// (https://bucket.host/key). Unset is Path with an endpoint, and VirtualHost without one.
	//
	// +optional
	Addressing Addressing `json:"addressing,omitempty"`

	// access defines the credentials for the objects: Anonymous (none), Secret (those of secretRef) or WorkloadIdentity (a token of the
	// worker's service account, worker.serviceAccountName). Credentials are never taken from a cloud's metadata service. Unset is Secret
	// with a secretRef, else Anonymous.
	//
	// +optional
	Access Access `json:"access,omitempty"`

	// secretRef names a Secret with credentials. Its keys are, for s3, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for
	// temporary credentials, AWS_SESSION_TOKEN; for gs, credentials.json with the key of a service account; for azblob,
	// AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN. They reach the worker as files; the operator has no right to read Secrets.
	// Unset sends none.
	//
	// +optional
	SecretRef *LocalReference `json:"secretRef,omitempty"`

	// roleARN is the role of AWS that the worker's service account assumes, with the access WorkloadIdentity: the worker gets a token
	// for sts.amazonaws.com only. Unset leaves the role to the variables that a webhook of the cluster sets, such as that of Amazon EKS.
	//
	// +optional
	// +kubebuilder:validation:MinLength=20
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$`
	RoleARN string `json:"roleARN,omitempty"`

	// caBundleRef names certificates in PEM form that are trusted in addition to the public ones, for an endpoint with a certificate of a
	// private authority. Unset trusts the public ones.
	//
	// +optional
	CABundleRef *BundleReference `json:"caBundleRef,omitempty"`
}

// Addressing defines the place of a bucket's name in an address.
//
// +kubebuilder:validation:Enum=Path;VirtualHost
type Addressing string

// The values of addressing.
const (
	AddressingPath        Addressing = "Path"
	AddressingVirtualHost Addressing = "VirtualHost"
)

// Access defines the credentials for an object store.
//
// +kubebuilder:validation:Enum=Anonymous;Secret;WorkloadIdentity
type Access string

// The values of access.
const (
	AccessAnonymous        Access = "Anonymous"
	AccessSecret           Access = "Secret"
	AccessWorkloadIdentity Access = "WorkloadIdentity"
)

// OCISource is files in an OCI registry, as ORAS pushes them: each is a layer, and its name the layer's title
// (org.opencontainers.image.title). Layers without a title, such as those of images, are ignored.
type OCISource struct {
	// reference is registry/repository with :tag, @sha256:digest or both, for example
	// registry.example.org/corpora/math:v2. A tag is resolved to a digest once per build; only a digest makes a build
	// reproducible forever. status.datasets shows the digest.
	//
	// +required
	// +kubebuilder:validation:MinLength=5
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?$`
	// +kubebuilder:validation:XValidation:rule="self.contains('@') || self.split('/')[self.split('/').size() - 1].contains(':')",message="A reference must end in a tag or a digest."
	Reference string `json:"reference,omitempty"`

	// files are globs over the titles of the layers, for example "train-*.parquet". Each must match at least one; they are
	// read in the order of their titles. Unset takes every layer that has a title.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Files []FileGlob `json:"files,omitempty"`

	// scheme is HTTPS, or HTTP for a registry without TLS. Unset is HTTPS.
	//
	// +optional
	Scheme RegistryScheme `json:"scheme,omitempty"`

	// secretRef names a Secret of the type kubernetes.io/dockerconfigjson with credentials for the registry, the kind that
	// image pull secrets are. They reach the worker as a file; the operator has no right to read Secrets. Unset sends none.
	//
	// +optional
	SecretRef *LocalReference `json:"secretRef,omitempty"`

	// caBundleRef names certificates in PEM form that are trusted in addition to the public ones, for a registry with a certificate of a
	// private authority. Unset trusts the public ones.
	//
	// +optional
	CABundleRef *BundleReference `json:"caBundleRef,omitempty"`
}

// RegistryScheme is the protocol of a registry.
//
// +kubebuilder:validation:Enum=HTTPS;HTTP
type RegistryScheme string

// The values of scheme.
const (
	RegistryHTTPS RegistryScheme = "HTTPS"
	RegistryHTTP  RegistryScheme = "HTTP"
)

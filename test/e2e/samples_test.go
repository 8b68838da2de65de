package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/pipeline"
	"github.com/datasetmix/datasetmix/internal/revision"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
)

// sampled is what a sample comes to, and what of its manifest is different where there is no internet: addresses, and digests of
// rows that are generated. HUB and STORES stand for the addresses of this cluster's servers. Rows of a data set are those that
// are in a split.
type sampled struct {
	replace []string
	numbers map[string]int64
}

// sampleTests has an entry for each file of config/samples.
var sampleTests = map[string]sampled{
	"grpo_six": {}, // is TestTheSixDataSets
	"huggingface": {
		[]string{"https://hub-mirror.example.org", "http://HUB"},
		map[string]int64{"gsm8k rows": 7473, "mbpp rows": 427, "train rows": 1922, "train domain math": 1538, "train domain code": 384, "test rows": 217},
	},
	"http": {
		[]string{"https://files.example.org", "http://STORES:8005", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", digestOf("gsm8k/train.jsonl.gz")},
		map[string]int64{"gsm8k rows": 7473, "train rows": 5000, "test rows": 500, "train gsm8k unique": 5000},
	},
	"private": {
		// The Hub of this cluster has no TLS, so the proxy for it is the one for http; and it has an address in 10.0.0.0/8.
		[]string{"https://files.example.internal", "https://STORES:8006", "https: http://proxy.example.internal:3128", "http: http://STORES:8007", ".example.internal, .svc, 10.0.0.0/8", "STORES"},
		map[string]int64{"gsm8k rows": 7473, "mbpp rows": 427, "train rows": 769, "test rows": 87},
	},
	"s3":     {[]string{"https://s3.eu-central-1.amazonaws.com", "http://STORES:8001"}, gsm8kRows},
	"gs":     {[]string{"url: gs://datasets/gsm8k", "url: gs://datasets/gsm8k\n          endpoint: http://STORES:8002"}, gsm8kRows},
	"azblob": {[]string{"https://myaccount.blob.core.windows.net", "https://STORES:8003/account\n          caBundleRef: {name: company-ca, key: ca.crt}"}, gsm8kRows},
	"oci":    {[]string{"registry.example.org/datasets", "STORES:8004/datasets", "scheme: HTTPS", "scheme: HTTP"}, gsm8kRows},
	"volume": {
		// The default class of this cluster, whatever it is called; it may make volumes for one node alone.
		[]string{"storageClassName: fast", "", "ReadWriteMany", "ReadWriteOnce"},
		map[string]int64{"squad2 rows": 2000, "hotpotqa rows": 2000, "train rows": 4800, "train squad2 mixed": 3200, "train hotpotqa mixed": 1600, "validation rows": 600, "test rows": 600},
	},
	"expressions": {nil, map[string]int64{"tickets rows": 270, "train rows": 246, "test rows": 24}},
	"chats":       {nil, map[string]int64{"chats rows": 200, "pairs rows": 100, "train rows": 270, "test rows": 30}},
	"exports": {nil, map[string]int64{
		"gsm8k rows": 7473, "humaneval rows": 164, "train rows": 6364, "train domain math": 3637, "train domain code": 2727, "test rows": 1273,
	}},
	"curated": {
		[]string{"5f9a3f0f6f1c0d5e7b8a9c4d2e1f00112233445566778899aabbccddeeff0011", digestOf("tokenizers/model/tokenizer.json")},
		map[string]int64{"gsm8k rows": 7121, "exercises rows": 947, "squad2 rows": 2000, "train rows": 6624, "train domain math": 4724, "train domain qa": 1900, "validation rows": 69},
	},
	"refresh": {
		[]string{"https://files.example.org", "http://STORES:8005", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", originalsDigest("gsm8k/train.jsonl.gz")},
		map[string]int64{"collected rows": 300, "gsm8k rows": 7473, "train rows": 6996, "train collected unique": 270, "test rows": 777},
	},
}

// gsm8kRows are those of the samples that read GSM8K from stores, and split it 9:1.
var gsm8kRows = map[string]int64{"gsm8k rows": 7473, "train rows": 6726, "test rows": 747, "train gsm8k unique": 6726}

var sampleFiles = repos.SampleFiles()

func digestOf(file string) string {
	sum := sha256.Sum256(sampleFiles[file])
	return hex.EncodeToString(sum[:])
}

func originalsDigest(file string) string {
	return revision.OriginalsDigest([]pipeline.OriginalFile{{SHA256: digestOf(file), Size: int64(len(sampleFiles[file]))}})
}

// Every sample, in one namespace and on the claims that they name, as `kubectl apply -k config/samples` has them.
func TestSamples(t *testing.T) {
	files, err := filepath.Glob(samples + "data_*.yaml")
	if err != nil || len(files) != len(sampleTests) {
		t.Fatalf("there are %d samples, and entries for %d in sampleTests: %v", len(files), len(sampleTests), err)
	}
	e, stores := newCluster(t), newCluster(t)
	at, authority := stores.stores()
	e.prepare(at, authority)
	here := strings.NewReplacer("HUB", e.address("datasetmix-hub", "hub"), "STORES", at)
	made := map[string]sampled{}
	for _, file := range slices.Backward(files) { // the sample of volumes is the last, and waits longest for room
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "data_v1alpha1_datasetmix_"), ".yaml")
		test, known := sampleTests[name]
		switch {
		case !known:
			t.Fatalf("%s has no entry in sampleTests", file)
		case filepath.Base(file) != grpoSix:
			mix := e.parse(test.manifest(t, file, here))
			e.must(e.Create(t.Context(), mix))
			made[mix.Name] = test
		}
	}
	environment := append(os.Environ(), "KUBECONFIG="+e.kubeconfig(t.TempDir()))
	for name, test := range made {
		t.Run(name, func(t *testing.T) {
			mix := e.in(t).ready(name)
			if present(t, numbers(mix), test.numbers); t.Failed() {
				t.Log(show(mix))
			}
			looked := people{e.in(t), environment, thisCommand}.run("plan", name, "--look=100") // with the claims and Secrets that are on the cluster alone
			if strings.Count(looked, " kept") < len(mix.Status.Datasets) || strings.Contains(looked, "cannot be looked at") {
				t.Errorf("plan --look:\n%s", looked)
			}
		})
	}
	e.keepsSecrets()
	if passed := stores.log(stores.pod("stores")); !strings.Contains(passed, "passing on GET http://"+e.address("datasetmix-hub", "hub")) {
		t.Errorf("nothing of the sample with a proxy went through it:\n%s", passed)
	}
}

// manifest returns that of a sample, for a cluster without internet.
func (s sampled) manifest(t *testing.T, file string, here *strings.Replacer) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	manifest := string(content)
	for i := 0; i < len(s.replace); i += 2 {
		if !strings.Contains(manifest, s.replace[i]) {
			t.Fatalf("%s does not hold %q", file, s.replace[i])
		}
		manifest = strings.ReplaceAll(manifest, s.replace[i], here.Replace(s.replace[i+1]))
	}
	return manifest
}

// loginOfStores is a name with its password, as it travels. Every other credential of a sample holds the word s3cr3t.
var loginOfStores = base64.StdEncoding.EncodeToString([]byte("mix:s3cr3t-login"))

// keepsSecrets looks for credentials in all that a build leaves in the cluster: tasks, results, status, pods and what they log.
func (e *cluster) keepsSecrets() {
	e.Helper()
	configMaps, pods, mixes := &corev1.ConfigMapList{}, &corev1.PodList{}, &datav1alpha1.DatasetMixList{}
	texts := map[string]string{}
	for _, list := range []client.ObjectList{configMaps, pods, mixes} {
		e.must(e.List(e.Context(), list, client.InNamespace(e.namespace)))
		encoded, err := yaml.Marshal(list)
		e.must(err)
		texts[fmt.Sprintf("%T", list)] = string(encoded)
	}
	for _, pod := range pods.Items {
		texts[pod.Name] = e.log(pod.Name)
	}
	for where, text := range texts {
		for _, secret := range []string{"s3cr3t", loginOfStores} {
			if strings.Contains(text, secret) {
				e.Errorf("%s holds the credential %s:\n%s", where, secret, text)
			}
		}
	}
	e.Logf("looked through %d ConfigMaps, %d mixes, and %d pods and their logs", len(configMaps.Items), len(mixes.Items), len(pods.Items))
}

// prepare makes what the samples say has to be there: claims with files, and Secrets as their comments make them.
func (e *cluster) prepare(stores string, authority []byte) {
	e.Helper()
	for name, keys := range map[string]map[string]string{
		"hub-token":       {"token": "hf_s3cr3t"},
		"corpora-reader":  {"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "s3cr3t-key"},
		"blobs-reader":    {"AZURE_STORAGE_SAS_TOKEN": "sv=2025-01-05&sp=rl&sig=s3cr3t-signature"},
		"files-login":     {"username": "mix", "password": "s3cr3t-login"},
		"registry-reader": {corev1.DockerConfigJsonKey: fmt.Sprintf(`{"auths":{"%s:8004":{"auth":%q}}}`, stores, loginOfStores)},
	} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: name}, StringData: keys}
		if keys[corev1.DockerConfigJsonKey] != "" {
			secret.Type = corev1.SecretTypeDockerConfigJson
		}
		e.must(e.Create(e.Context(), secret))
	}
	e.must(e.Create(e.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "company-ca"}, Data: map[string]string{"ca.crt": string(authority)},
	}))
	write := []string{"/hub"}
	mounts := map[string]corev1.VolumeMount{}
	for _, claim := range []string{"datasets", "originals", "benchmarks"} {
		e.must(e.Create(e.Context(), &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: claim},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}))
		mounts[claim] = corev1.VolumeMount{MountPath: "/" + claim}
		write = append(write, "-write=/"+claim)
	}
	const user = 65532 // who the workers are, too
	pod := restricted("files-", user, mounts, write...)
	pod.Spec.SecurityContext.FSGroup = ptr.To[int64](user)
	e.finish(pod)
}

// stores starts the places that samples read from, in a namespace of their own, and gives their address and the authority that
// vouches for it.
func (e *cluster) stores() (address string, authority []byte) {
	e.Helper()
	e.apply("stores.yaml", e.namespace, "HUB_IMAGE", "datasetmix-hub:dev", "STORES_IMAGE", "datasetmix-stores:dev")
	address = e.address(e.namespace, "stores")
	certificate, key := e.certificate(address)
	e.must(e.Create(e.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "stores-tls"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: certificate, corev1.TLSPrivateKeyKey: key},
	}))
	e.serving(e.namespace)
	return address, certificate
}

// certificate returns one that vouches for itself, for an address.
func (e *cluster) certificate(address string) (certificate, key []byte) {
	e.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	e.must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.ParseIP(address)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	e.must(err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	e.must(err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// pod returns the name of the pod with a label app.
func (e *cluster) pod(app string) string {
	e.Helper()
	pods := &corev1.PodList{}
	e.must(e.List(e.Context(), pods, client.InNamespace(e.namespace), client.MatchingLabels{"app": app}))
	if len(pods.Items) != 1 {
		e.Fatalf("%d pods of %s", len(pods.Items), app)
	}
	return pods.Items[0].Name
}

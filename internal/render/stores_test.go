package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/render"
)

// fromStore returns the work of a mix whose only data set lies in an object store.
func fromStore(t *testing.T, edit func(*datav1alpha1.ObjectStoreSource)) render.Work {
	t.Helper()
	mix := sample(t, "s3")
	store := &datav1alpha1.ObjectStoreSource{URL: "s3://corpora/math"}
	edit(store)
	mix.Spec.Domains[0].Datasets[0].Source = datav1alpha1.Source{ObjectStore: store}
	return work(t, mix)
}

// TestStoreInARecipe: a recipe says what is read and who asks, and names no Secret.
func TestStoreInARecipe(t *testing.T) {
	secret := &datav1alpha1.LocalReference{Name: "corpora-reader"}
	for name, test := range map[string]struct {
		edit func(*datav1alpha1.ObjectStoreSource)
		want recipe.ObjectStore
	}{
		"nothing more":      {func(*datav1alpha1.ObjectStoreSource) {}, recipe.ObjectStore{}},
		"spelled out":       {func(s *datav1alpha1.ObjectStoreSource) { s.Access = datav1alpha1.AccessAnonymous }, recipe.ObjectStore{}},
		"a Secret":          {func(s *datav1alpha1.ObjectStoreSource) { s.SecretRef = secret }, recipe.ObjectStore{Access: recipe.AccessSecret}},
		"a Secret, said so": {func(s *datav1alpha1.ObjectStoreSource) { s.SecretRef, s.Access = secret, datav1alpha1.AccessSecret }, recipe.ObjectStore{Access: recipe.AccessSecret}},
		"a service account": {func(s *datav1alpha1.ObjectStoreSource) { s.Access = datav1alpha1.AccessWorkloadIdentity }, recipe.ObjectStore{Access: recipe.AccessWorkloadIdentity}},
		"where and how": {func(s *datav1alpha1.ObjectStoreSource) {
			s.Region, s.Addressing = "eu-west-1", datav1alpha1.AddressingPath
		}, recipe.ObjectStore{Region: "eu-west-1", Addressing: recipe.AddressPath}},
		"which of them":      {func(s *datav1alpha1.ObjectStoreSource) { s.Files = []datav1alpha1.FileGlob{"a*"} }, recipe.ObjectStore{Files: []string{"a*"}}},
		"of another service": {func(s *datav1alpha1.ObjectStoreSource) { s.Endpoint = "https://minio" }, recipe.ObjectStore{Endpoint: "https://minio"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.want.URL = "s3://corpora/math"
			got := fromStore(t, test.edit).Recipe.Domains[0].Datasets[0].Source
			if diff := cmp.Diff(recipe.Source{ObjectStore: &test.want}, got); diff != "" {
				t.Errorf("source (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhoAsksIsInNoKey: credentials and the place of a store are in no key: the same objects are the same data.
func TestWhoAsksIsInNoKey(t *testing.T) {
	key := func(edit func(*datav1alpha1.ObjectStoreSource)) string {
		return fromStore(t, edit).Step.Nodes[0].Key
	}
	plain := key(func(*datav1alpha1.ObjectStoreSource) {})
	same := key(func(s *datav1alpha1.ObjectStoreSource) {
		s.Access, s.RoleARN, s.Region, s.Addressing = datav1alpha1.AccessWorkloadIdentity, "arn:aws:iam::123456789012:role/reader", "eu-west-1", datav1alpha1.AddressingVirtualHost
	})
	if plain != same {
		t.Errorf("the key is %s with other access, else %s", same, plain)
	}
	if other := key(func(s *datav1alpha1.ObjectStoreSource) { s.Endpoint = "https://minio" }); other == plain {
		t.Error("another service has the same key")
	}
}

// TestIdentityOfAWorker: a worker with a role of AWS gets a token for AWS alone, and one with an identity of Azure the label for its webhook.
func TestIdentityOfAWorker(t *testing.T) {
	w := fromStore(t, func(s *datav1alpha1.ObjectStoreSource) {
		s.Access, s.RoleARN = datav1alpha1.AccessWorkloadIdentity, "arn:aws:iam::123456789012:role/reader"
	})
	found := false
	for _, projection := range w.Job().Spec.Template.Spec.Volumes[1].Projected.Sources {
		if token := projection.ServiceAccountToken; token != nil {
			found = true
			if token.Audience != "sts.amazonaws.com" || token.Path != "tokens/gsm8k/identity" {
				t.Errorf("a token for %s at %s", token.Audience, token.Path)
			}
		}
	}
	if !found {
		t.Error("no token says which workload asks")
	}
	if auto := w.Job().Spec.Template.Spec.AutomountServiceAccountToken; auto == nil || *auto {
		t.Error("the pod has a token for the API server")
	}
	azure := fromStore(t, func(s *datav1alpha1.ObjectStoreSource) {
		s.URL, s.Endpoint, s.Access = "azblob://corpora", "https://account.blob.core.windows.net", datav1alpha1.AccessWorkloadIdentity
	})
	for of, label := range map[string]string{
		azure.Job().Spec.Template.Labels["azure.workload.identity/use"]: "true",
		w.Job().Spec.Template.Labels["azure.workload.identity/use"]:     "",
	} {
		if of != label {
			t.Errorf("the label is %q, want %q", of, label)
		}
	}
}

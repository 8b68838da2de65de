package main

import (
	"context"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/kube"
)

// connection is how the verbs of this package reach a cluster.
type connection struct{ *connect.Connection }

func connected(command *cobra.Command) *connection { return &connection{connect.Flags(command)} }

func (c *connection) client() (*kube.Client, error) { return c.Client() }

// one gets a mix as the server has it and as this release knows it.
func one(ctx context.Context, client *kube.Client, name string) (*unstructured.Unstructured, *datav1alpha1.DatasetMix, error) {
	return connect.One(ctx, client, name)
}

// reading returns a failure to read a mix with its exit code.
func reading(err error) error { return connect.Reading(err) }

// Package connect connects the verbs of the command to a cluster: by kubectl's flags, with completion of the names of mixes, and with exit codes
// for errors of the API server.
package connect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/kube"
)

// Connection has the values of kubectl's flags for the cluster and the namespace.
type Connection struct {
	flags *genericclioptions.ConfigFlags
}

// Flags adds the flags to a command, and the completion of names of mixes.
func Flags(command *cobra.Command) *Connection {
	c := &Connection{flags: genericclioptions.NewConfigFlags(true)}
	c.flags.AddFlags(command.Flags())
	command.ValidArgsFunction = func(command *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return c.names(command.Context(), typed), cobra.ShellCompDirectiveNoFileComp
	}
	return c
}

// Client connects to the cluster and namespace that the flags and the kubeconfig name.
func (c *Connection) Client() (*kube.Client, error) {
	config, err := c.flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("no cluster to ask: %w", err)
	}
	namespace, _, err := c.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, fmt.Errorf("no namespace to ask for: %w", err)
	}
	return kube.New(config, namespace)
}

// names returns the mixes whose name has the prefix, for the completion.
func (c *Connection) names(ctx context.Context, typed string) []string {
	client, err := c.Client()
	if err != nil {
		return nil
	}
	mixes, err := client.Mixes(ctx)
	if err != nil {
		return nil
	}
	var names []string
	for i := range mixes {
		names = append(names, mixes[i].GetName())
	}
	return cli.Beginning(typed, names)
}

// Offer adds completion by fixed words to a flag.
func Offer(command *cobra.Command, flag string, words ...string) {
	if err := command.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return cli.Beginning(typed, words), cobra.ShellCompDirectiveNoFileComp
	}); err != nil {
		panic(err) // the flag does not exist, which tests find
	}
}

// One returns a mix as the API server has it, and as this release knows it.
func One(ctx context.Context, client *kube.Client, name string) (*unstructured.Unstructured, *datav1alpha1.DatasetMix, error) {
	object, err := client.Mix(ctx, strings.TrimPrefix(name, "datasetmix/"))
	if err != nil {
		return nil, nil, Reading(err)
	}
	mix, err := kube.Typed(object)
	return object, mix, err
}

// Reading returns an error of the API server with its exit code and, for a mix that does not exist, the name that was probably meant.
func Reading(err error) error {
	var missing *kube.NotFoundError
	var forbidden *kube.ForbiddenError
	switch {
	case errors.As(err, &missing):
		return &cli.Exit{Code: cli.NoSuchMix, Err: fmt.Errorf("%w%s", err, cli.DidYouMean(missing.Name, missing.Names))}
	case errors.As(err, &forbidden):
		return &cli.Exit{Code: cli.NotPermitted, Err: fmt.Errorf("%w: %w", forbidden, forbidden.Err)}
	case errors.Is(err, context.Canceled):
		return &cli.Exit{Code: cli.Interrupted}
	case errors.Is(err, context.DeadlineExceeded):
		return &cli.Exit{Code: cli.TimedOut, Err: errors.New("timed out")}
	default:
		return err
	}
}

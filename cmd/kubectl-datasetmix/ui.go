package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/precheck"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/ui"
)

// uiCommand serves pages about mixes to the user's own browser.
func uiCommand() *cobra.Command {
	var address string
	command := &cobra.Command{
		Use:   "ui [DIR]",
		Short: "Show mixes and their rows in your browser",
		Long: "Show mixes and their rows in your browser, until the command is interrupted.\n\n" +
			"Without DIR it shows the mixes of the cluster and the namespace, their state and their progress. DIR is a volume, a mix's\n" +
			"folder or a revision: then it shows revisions and their rows, compares revisions, and works out what an edit would come to;\n" +
			"no cluster is asked.\n\n" +
			"The pages are served on this machine's loopback device alone. Their address holds a random token: whoever has it, can read\n" +
			"what is shown. Nothing can be changed.",
		Example: "  kubectl datasetmix ui -n training\n" +
			"  kubectl datasetmix ui ./data",
		Args: cobra.MaximumNArgs(1),
	}
	from := connect.Flags(command)
	command.Flags().StringVar(&address, "address", "127.0.0.1:0", "the loopback address and port to listen at; port 0 is any that is free")
	command.RunE = func(command *cobra.Command, args []string) error {
		options := ui.Options{Judge: judgeManifest}
		if len(args) == 1 {
			options.Folder = args[0]
		} else {
			client, err := from.Client()
			if err != nil {
				return err
			}
			options.Where, options.Mixes = "namespace "+client.Namespace, mixesOf(client)
		}
		return serve(command, address, options)
	}
	return command
}

// judgeManifest returns the recipe of a manifest, judged as build does.
func judgeManifest(ctx context.Context, content []byte) (recipe.Recipe, error) {
	_, r, err := parseRecipe(ctx, content)
	if err != nil {
		return r, err
	}
	return r, precheck.Recipe(r)
}

// mixesOf lists the mixes of a namespace.
func mixesOf(client *kube.Client) func(context.Context) ([]*datav1alpha1.DatasetMix, error) {
	return func(ctx context.Context) ([]*datav1alpha1.DatasetMix, error) {
		found, err := client.Mixes(ctx)
		if err != nil {
			return nil, err
		}
		mixes := make([]*datav1alpha1.DatasetMix, len(found))
		for i := range found {
			if mixes[i], err = kube.Typed(&found[i]); err != nil {
				return nil, err
			}
		}
		return mixes, nil
	}
}

// serve serves the pages until the command is interrupted.
func serve(command *cobra.Command, address string, options ui.Options) error {
	listener, err := (&net.ListenConfig{}).Listen(command.Context(), "tcp", address)
	if err != nil {
		return contract.Failf(contract.InvalidTask, "nothing can listen at %s: %w; take another --address", address, err)
	}
	pages, err := ui.New(listener.Addr().String(), options)
	if err != nil {
		return contract.Failf(contract.InvalidTask, "%w", errors.Join(err, listener.Close()))
	}
	defer pages.Close()
	const patience = 10 * time.Second
	server := &http.Server{Handler: pages.Handler(), ReadHeaderTimeout: patience, IdleTimeout: time.Minute}
	context.AfterFunc(command.Context(), func() { _ = server.Close() }) // pages that are open lose their connection
	fmt.Fprintf(command.OutOrStdout(), "%s\n", pages.URL())
	fmt.Fprintln(command.ErrOrStderr(), "Open this address in a browser on this machine; interrupt with Ctrl-C.")
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

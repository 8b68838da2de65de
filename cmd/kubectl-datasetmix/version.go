package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/version"
)

// versionLabel is on the manager's Deployment in a release.
const versionLabel = "app.kubernetes.io/version"

// versions is the output of the verb version.
type versions struct {
	Client   string    `json:"client"`
	Managers []manager `json:"managers,omitempty"`
	// Problem is why the managers are not known; empty if they are.
	Problem string `json:"problem,omitempty"`
}

// manager is one installation.
type manager struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	Image     string `json:"image"`
	// Skew describes the difference from the client's version.
	Skew string `json:"skew,omitempty"`
}

// versionCommand shows the version of this program and of the managers of the cluster.
func versionCommand() *cobra.Command {
	var alone bool
	var format string
	command := &cobra.Command{
		Use:   "version [--client]",
		Short: "Show the version of this command and of the manager, and warn where they do not belong together",
		Args:  cobra.NoArgs,
	}
	from := connect.Flags(command)
	command.Flags().BoolVar(&alone, "client", false, "ask no cluster")
	command.Flags().StringVarP(&format, "output", "o", "", "json or yaml, for programs")
	command.RunE = func(command *cobra.Command, _ []string) error {
		found := versions{Client: version.Number()}
		if !alone {
			found.ask(command.Context(), from)
		}
		return found.print(command.OutOrStdout(), format)
	}
	return command
}

// ask looks for managers. A cluster that does not answer is a Problem, and the client's version is printed all the same.
func (v *versions) ask(ctx context.Context, from *connect.Connection) {
	client, err := from.Client()
	if err != nil {
		v.Problem = err.Error()
		return
	}
	deployments, err := client.Manager(ctx)
	if err != nil {
		v.Problem = problemOf(err)
		return
	}
	for i := range deployments {
		v.Managers = append(v.Managers, managerOf(&deployments[i]))
	}
	if len(deployments) == 0 {
		v.Problem = "no manager was found"
	}
}

func problemOf(err error) string {
	var forbidden *kube.ForbiddenError
	if errors.As(err, &forbidden) {
		return forbidden.Error()
	}
	return contract.Clean(err.Error(), 300)
}

// managerOf returns a manager with its version: that of its label, else the tag of its image.
func managerOf(deployment *appsv1.Deployment) manager {
	m := manager{Namespace: deployment.Namespace, Name: deployment.Name, Version: deployment.Labels[versionLabel]}
	m.Image = kube.ManagerContainer(deployment).Image
	if m.Version == "" {
		m.Version = tagOf(m.Image)
	}
	m.Skew = version.Skew(version.Number(), m.Version)
	return m
}

// tagOf returns the tag of an image's name, or "unknown".
func tagOf(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") {
		return name[i+1:]
	}
	return "unknown"
}

func (v versions) print(out io.Writer, format string) error {
	switch format {
	case "":
		fmt.Fprintf(out, "client   %s\n", v.Client)
		for _, m := range v.Managers {
			fmt.Fprintf(out, "manager  %s  %s/%s  %s\n", m.Version, m.Namespace, m.Name, m.Image)
			if m.Skew != "" {
				fmt.Fprintf(out, "Warning: %s\n", m.Skew)
			}
		}
		if v.Problem != "" {
			fmt.Fprintf(out, "manager  %s\n", v.Problem)
		}
		return nil
	case "json":
		return printJSON(out, v)
	case "yaml":
		encoded, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		_, err = out.Write(encoded)
		return err
	default:
		return contract.Failf(contract.InvalidTask, "there is no output format %q; leave -o out for text, or use json or yaml", format)
	}
}

// Package cli is the cluster command.
package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/control"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/host"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/sandbox"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/supervisor"
	"github.com/spf13/cobra"
)

// ExitError ends the program with an exit code and without a message, which was printed already.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// exitDown is the exit code of `status` if the cluster is not Ready.
const exitDown ExitError = 3

const defaultName = "datasetmix"

// options select a cluster.
type options struct {
	name  string
	state string // the folder of all clusters' states
	bin   string
	node  int // of those commands that are about one node
}

// New returns the cluster command.
func New() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:   "cluster",
		Short: "A real Kubernetes of one node, from Go modules and Debian packages",
		Long: "cluster runs etcd, the API server, the controller manager, the scheduler, containerd, a kubelet and kube-proxy\n" +
			"in network, mount and process namespaces of their own. `cluster down` leaves nothing of it behind.",
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return o.complete() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&o.name, "name", defaultName, "the cluster's name; several can run at once")
	flags.StringVar(&o.bin, "bin", "", "folder of the programs kubernetes, pause and cluster (default: where this program lies)")
	flags.StringVar(&o.state, "state", "", "folder of everything the clusters write (default: state beside the programs)")
	root.AddCommand(upCommand(o), downCommand(o), statusCommand(o), logsCommand(o), loadCommand(o), imageCommand(), packagesCommand())
	root.AddCommand(actionCommands(o)...)
	root.AddCommand(connectCommands(o)...)
	root.AddCommand(innerCommands()...)
	return root
}

// innerCommands returns the programs of the node's first two processes.
func innerCommands() []*cobra.Command {
	return []*cobra.Command{
		{
			Use: sandbox.InitArg, Hidden: true, Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return sandbox.Run(os.Stdin) },
		},
		{
			Use: sandbox.SuperviseArg, Hidden: true, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return supervisor.Run(cmd.Context(), os.Stdin) },
		},
	}
}

func packagesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "packages", Short: "Print the Debian packages that a cluster needs", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintln(cmd.OutOrStdout(), strings.Join(host.Packages(), " "))
		},
	}
}

// complete fills in options that were not given, from the folder of the program.
func (o *options) complete() error {
	if err := spec.ValidateName(o.name); err != nil {
		return err
	}
	if o.bin == "" {
		program, err := os.Executable()
		if err != nil {
			return err
		}
		o.bin = filepath.Dir(program)
	}
	if o.state == "" {
		o.state = filepath.Join(o.bin, "state")
	}
	for _, path := range []*string{&o.bin, &o.state} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	return nil
}

func (o *options) stateDir() string { return filepath.Join(o.state, o.name) }

// running returns the record of a running cluster.
func (o *options) running() (host.Record, error) {
	r, found, err := host.ReadRecord(o.stateDir())
	if err == nil && (!found || !r.Alive()) {
		err = fmt.Errorf("cluster %q does not run, or not all of it (its state would be in %s): start it with `cluster up`", o.name, o.stateDir())
	}
	if err == nil && (o.node < 0 || o.node >= r.Nodes) {
		err = fmt.Errorf("no node %d: cluster %q has %d, and the first is 0", o.node, o.name, r.Nodes)
	}
	return r, err
}

// nodeFlag adds the flag that selects a node to a command.
func (o *options) nodeFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().IntVar(&o.node, "node", 0, "the node's number; the first, 0, runs the control plane")
	return cmd
}

// client returns a client of the i-th node of a cluster.
func client(r host.Record, i int) *control.Client { return control.NewClient(r.NodeDir(i)) }

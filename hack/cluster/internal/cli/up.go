package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/control"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/host"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/render"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/spec"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	readyTimeout = 5 * time.Minute
	pollInterval = 100 * time.Millisecond
)

type upOptions struct {
	*options
	kubeconfig string
	nodes      int
	foreground bool
	keep       bool
}

func upCommand(o *options) *cobra.Command {
	u := &upOptions{options: o}
	cmd := &cobra.Command{
		Use: "up", Short: "Start the cluster, wait until it is ready, and leave it running", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return u.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	cmd.Flags().StringVar(&u.kubeconfig, "kubeconfig", "",
		"where to write the administrator's kubeconfig (default: kubeconfig beside the programs, NAME.kubeconfig for other names)")
	cmd.Flags().IntVar(&u.nodes, "nodes", 1, "how many nodes; each has a kubelet and a containerd of its own")
	cmd.Flags().BoolVar(&u.foreground, "foreground", false, "stay, and take the cluster down when interrupted")
	cmd.Flags().BoolVar(&u.keep, "keep", false, "leave a cluster that does not come up as it is, to look at it")
	return cmd
}

func (u *upOptions) run(ctx context.Context, out io.Writer) error {
	if u.nodes < 1 || u.nodes > spec.MaxNodes {
		return fmt.Errorf("--nodes %d: from 1 to %d", u.nodes, spec.MaxNodes)
	}
	if err := host.Check(u.bin); err != nil {
		return fmt.Errorf("cannot run a cluster here:\n%w", err)
	}
	r, err := u.start(ctx, out)
	if err != nil || !u.foreground {
		return err
	}
	<-ctx.Done()
	return host.Stop(context.WithoutCancel(ctx), r)
}

// start starts the cluster unless it runs.
func (u *upOptions) start(ctx context.Context, out io.Writer) (host.Record, error) {
	unlock, err := host.Lock(u.state)
	if err != nil {
		return host.Record{}, err
	}
	defer unlock()
	r, found, err := host.ReadRecord(u.stateDir())
	if err != nil {
		return r, err
	}
	if found && r.Alive() {
		return r, u.already(ctx, out, r)
	}
	if found { // the machine was restarted, or the cluster was killed
		if err := host.Stop(ctx, r); err != nil {
			return r, fmt.Errorf("clearing what an earlier cluster left: %w", err)
		}
	}
	begun := time.Now()
	c, err := u.describe()
	if err != nil {
		return r, err
	}
	if r, err = host.Start(c); err != nil {
		return r, errors.Join(err, host.Stop(context.WithoutCancel(ctx), r))
	}
	if err := u.finish(ctx, r); err != nil {
		return r, u.failed(context.WithoutCancel(ctx), out, r, err)
	}
	fmt.Fprintf(out, "cluster %s: ready after %.0f s\n", c.Name, time.Since(begun).Seconds())
	summarize(out, r)
	return r, nil
}

func (u *upOptions) already(ctx context.Context, out io.Writer, r host.Record) error {
	if err := waitReady(ctx, r); err != nil {
		return fmt.Errorf("cluster %s runs but is not ready: %w; take it `cluster down` first", r.Name, err)
	}
	fmt.Fprintf(out, "cluster %s: already up\n", r.Name)
	summarize(out, r)
	return nil
}

func (u *upOptions) describe() (spec.Cluster, error) {
	c := spec.Cluster{Name: u.name, StateDir: u.stateDir(), BinDir: u.bin, Kubeconfig: u.kubeconfig, Nodes: u.nodes}
	if c.Kubeconfig == "" {
		c.Kubeconfig = filepath.Join(u.bin, "kubeconfig")
		if c.Name != defaultName {
			c.Kubeconfig = filepath.Join(u.bin, c.Name+".kubeconfig")
		}
	}
	var err error
	if c.Kubeconfig, err = filepath.Abs(c.Kubeconfig); err != nil {
		return c, err
	}
	if c.CNIBinDir, err = host.CNIDir(); err != nil {
		return c, err
	}
	if c.Snapshotter, err = host.Snapshotter(u.state); err != nil {
		return c, err
	}
	taken, err := host.TakenNetworks()
	if err != nil {
		return c, err
	}
	c.Network, err = spec.PickNetwork(c.Name, taken)
	return c, err
}

// finish waits until the cluster is Ready, and writes its kubeconfig.
func (u *upOptions) finish(ctx context.Context, r host.Record) error {
	if err := waitReady(ctx, r); err != nil {
		return err
	}
	content, err := os.ReadFile(r.NodeDir(0, spec.AdminKubeconfig))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.Kubeconfig), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(r.Kubeconfig+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(r.Kubeconfig+".new", r.Kubeconfig)
}

// waitReady waits for all nodes.
func waitReady(ctx context.Context, r host.Record) error {
	for i := range r.Nodes {
		if err := waitNodeReady(ctx, r, i); err != nil {
			return fmt.Errorf("node %s: %w", r.NodeName(i), err)
		}
	}
	return nil
}

func waitNodeReady(ctx context.Context, r host.Record, i int) error {
	last := "its supervisor has not answered yet"
	err := wait.PollUntilContextTimeout(ctx, pollInterval, readyTimeout, true, func(ctx context.Context) (bool, error) {
		if !r.Processes[i].Alive() {
			return false, errors.New("its first process has ended; see the end of supervisor.log")
		}
		status, err := client(r, i).Status(ctx)
		if err != nil {
			return false, nil // it does not listen yet
		}
		last = status.Message
		if status.Phase == control.Failed {
			return false, errors.New(status.Message)
		}
		return status.Phase == control.Ready, nil
	})
	if wait.Interrupted(err) {
		return fmt.Errorf("gave up after %s: %s", readyTimeout, last)
	}
	return err
}

// failed prints the cluster's logs, and removes the cluster.
func (u *upOptions) failed(ctx context.Context, out io.Writer, r host.Record, err error) error {
	for i := range r.Nodes {
		for _, name := range []string{"supervisor", render.APIServer, render.Containerd, render.Kubelet} {
			path := r.NodeDir(i, spec.LogDir, name+".log")
			if _, err := os.Stat(path); err == nil {
				fmt.Fprintf(out, "--- the end of %s\n", path)
				_ = printTail(out, path, 15)
			}
		}
	}
	if u.keep {
		return fmt.Errorf("cluster %s did not come up: %w; it is left as it is, in %s", r.Name, err, r.StateDir)
	}
	return errors.Join(fmt.Errorf("cluster %s did not come up: %w", r.Name, err), host.Stop(ctx, r))
}

func summarize(out io.Writer, r host.Record) {
	fmt.Fprintf(out, "  kubeconfig     %s\n", r.Kubeconfig)
	fmt.Fprintf(out, "  API server     %s\n", r.Server())
	fmt.Fprintf(out, "  host for pods  %s\n", r.HostIP())
	fmt.Fprintf(out, "  storage        %s (default, on demand), %s (%d volumes ready per node)\n",
		render.DefaultClass, render.LocalClass, render.StaticVolumes)
	fmt.Fprintf(out, "  logs           %s\n", r.NodeDir(0, spec.LogDir))
}

func downCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "Stop the cluster and remove everything of it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			unlock, err := host.Lock(o.state)
			if err != nil {
				return err
			}
			defer unlock()
			r, found, err := host.ReadRecord(o.stateDir())
			if err != nil {
				return err
			}
			if !found {
				fmt.Fprintf(cmd.OutOrStdout(), "cluster %s: not up\n", o.name)
				return nil
			}
			if err := host.Stop(cmd.Context(), r); err != nil {
				return fmt.Errorf("cluster %s: %w", o.name, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "cluster %s: down, nothing left\n", o.name)
			return nil
		},
	}
}

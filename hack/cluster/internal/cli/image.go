package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/datasetmix/datasetmix/hack/cluster/internal/control"
	"github.com/datasetmix/datasetmix/hack/cluster/internal/image"
	"github.com/spf13/cobra"
)

func imageCommand() *cobra.Command {
	var s image.Spec
	var files, dirs []string
	var out string
	cmd := &cobra.Command{
		Use: "image --tag NAME:TAG --binary HOSTPATH:/path --out FILE.tar", Args: cobra.NoArgs,
		Short: "Write a container image from files, as a docker-archive that `load`, containerd and Docker read",
		RunE: func(*cobra.Command, []string) error {
			var err error
			if s.Files, err = parseCopies(files); err != nil {
				return fmt.Errorf("--binary %w", err)
			}
			if s.Dirs, err = parseCopies(dirs); err != nil {
				return fmt.Errorf("--dir %w", err)
			}
			if len(s.Entrypoint) == 0 && len(s.Files) == 1 {
				s.Entrypoint = []string{s.Files[0].To}
			}
			return image.WriteFile(out, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.Tag, "tag", "", "the image's name")
	flags.StringArrayVar(&files, "binary", nil, "HOSTPATH:/path, a file; repeatable")
	flags.StringArrayVar(&dirs, "dir", nil, "HOSTDIR:/path, a folder with everything below it; repeatable")
	flags.StringArrayVar(&s.Entrypoint, "entrypoint", nil, "program, then arguments, one flag each (default: the only --binary)")
	flags.StringArrayVar(&s.Env, "env", nil, "NAME=VALUE; repeatable")
	flags.StringToStringVar(&s.Labels, "label", nil, "NAME=VALUE; repeatable")
	flags.StringVar(&s.Architecture, "arch", "", "architecture of the binaries (default: that of this machine)")
	flags.StringVar(&s.User, "user", "65532:65532", "user and group, as numbers: pods that must not run as root are checked by them")
	flags.StringVar(&out, "out", "", "the file to write")
	for _, name := range []string{"tag", "out"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that does not exist
	}
	return cmd
}

func parseCopies(values []string) ([]image.Copy, error) {
	copies := make([]image.Copy, 0, len(values))
	for _, v := range values {
		c, err := image.ParseCopy(v)
		if err != nil {
			return nil, err
		}
		copies = append(copies, c)
	}
	return copies, nil
}

func loadCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "load TAR...", Short: "Import docker-archives into the container runtime of every node", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := o.running()
			if err != nil {
				return err
			}
			for i := range r.Nodes {
				for _, path := range args {
					if err := load(cmd.Context(), cmd.OutOrStdout(), client(r, i), path); err != nil {
						return fmt.Errorf("node %s: %w", r.NodeName(i), err)
					}
				}
			}
			return nil
		},
	}
}

func load(ctx context.Context, out io.Writer, client *control.Client, path string) error {
	archive, err := os.Open(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	names, err := client.Load(ctx, archive)
	if err != nil {
		return fmt.Errorf("loading %s: %w", path, err)
	}
	_, err = io.WriteString(out, names)
	return err
}

package files

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/datasetmix/datasetmix/internal/cli"
	"github.com/datasetmix/datasetmix/internal/cli/connect"
	"github.com/datasetmix/datasetmix/internal/cli/errand"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/kube"
	"github.com/datasetmix/datasetmix/internal/render"
	"github.com/datasetmix/datasetmix/internal/transfer"
)

// filling has the options of put.
type filling struct {
	to, image, size, class, mode string
	overwrite, create            bool
	start                        time.Duration
}

// Put returns the verb put, which writes files of this machine to a PersistentVolumeClaim.
func Put() *cobra.Command {
	var p filling
	command := &cobra.Command{
		Use:   "put CLAIM FILE… [--to FOLDER]",
		Short: "Put files of this machine on a PersistentVolumeClaim",
		Long: "Put files of this machine on a PersistentVolumeClaim, such as those that a mix reads as volume sources. A folder is put with all files\n" +
			"below it, under its own name.\n\n" +
			"A pod of the worker takes the files and is removed afterwards. What arrived is compared with what was sent; only then do the files get\n" +
			"their names, all of them, so nothing half written is ever seen. A file that exists stays, unless --overwrite is given. An interrupted\n" +
			"command leaves neither a pod nor a part of a file.",
		Example: "  kubectl datasetmix put originals ./chats.jsonl ./pairs.csv -n training\n" +
			"  kubectl datasetmix put originals ./chats.jsonl --to chats/2026 --create --size 10Gi",
		Args: cobra.MinimumNArgs(2),
	}
	from := connect.Flags(command)
	command.ValidArgsFunction = func(command *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		client, err := from.Client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return client.ClaimNames(command.Context()), cobra.ShellCompDirectiveNoFileComp
	}
	command.Flags().StringVar(&p.to, "to", "", "the folder on the claim; its root unless one is named")
	command.Flags().BoolVar(&p.overwrite, "overwrite", false, "replace files that exist")
	command.Flags().BoolVar(&p.create, "create", false, "make the claim if it does not exist; needs --size")
	command.Flags().StringVar(&p.size, "size", "", "the size of a claim that is made, such as 10Gi")
	command.Flags().StringVar(&p.class, "storage-class", "", "the storage class of a claim that is made; the cluster's default unless it is named")
	command.Flags().StringVar(&p.mode, "access-mode", string(corev1.ReadWriteOnce), "the access mode of a claim that is made")
	PodFlags(command, &p.image, &p.start)
	command.MarkFlagsRequiredTogether("create", "size")
	command.RunE = func(command *cobra.Command, args []string) error {
		files, err := localFiles(args[1:], p.to)
		if err != nil {
			return err
		}
		client, err := from.Client()
		if err != nil {
			return err
		}
		return connect.Reading(p.run(command, client, args[0], files))
	}
	return command
}

// localFiles returns the files that arguments name, with their paths on the claim.
func localFiles(arguments []string, to string) ([]transfer.Local, error) {
	var files []transfer.Local
	taken := map[string]string{}
	for _, argument := range arguments {
		whole, err := filepath.Abs(argument)
		if err != nil {
			return nil, err
		}
		err = filepath.WalkDir(whole, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir():
				return nil
			case !entry.Type().IsRegular() && name != whole:
				return fmt.Errorf("%s is not a regular file", name)
			}
			relative, err := filepath.Rel(filepath.Dir(whole), name)
			if err != nil {
				return err
			}
			target := path.Join(strings.Trim(filepath.ToSlash(to), "/"), filepath.ToSlash(relative))
			if other, twice := taken[target]; twice {
				return fmt.Errorf("%s and %s would both be %s on the claim", other, name, target)
			}
			taken[target] = name
			files = append(files, transfer.Local{File: name, Path: target})
			return nil
		})
		if err != nil {
			return nil, contract.Failf(contract.FileNotFound, "%w", err)
		}
	}
	if len(files) == 0 {
		return nil, contract.Failf(contract.FileNotFound, "there are no files in %s", strings.Join(arguments, ", "))
	}
	return files, nil
}

// run puts the files on the claim.
func (p filling) run(command *cobra.Command, client *kube.Client, name string, files []transfer.Local) error {
	claim, err := p.claim(command, client, name)
	if err != nil {
		return err
	}
	do := errand.Errand{Client: client, Image: p.image, Start: p.start, Notes: command.ErrOrStderr()}
	return do.Receive(command.Context(), name, claim, func(ctx context.Context, client transfer.Client) error {
		sent, err := client.Upload(ctx, files, p.overwrite)
		if err != nil {
			return err
		}
		for _, file := range sent {
			fmt.Fprintf(command.OutOrStdout(), "%s: %s  %d bytes  sha256:%s\n", name, file.Path, file.Bytes, file.SHA256)
		}
		return nil
	})
}

// claim returns the PersistentVolumeClaim, and creates it if requested. It returns nil without an error if the user may not get claims: whether it
// exists shows when the pod starts.
func (p filling) claim(command *cobra.Command, client *kube.Client, name string) (*corev1.PersistentVolumeClaim, error) {
	ctx := command.Context()
	claim, found, err := client.Claim(ctx, name)
	switch {
	case err != nil:
		if p.create {
			return nil, err
		}
		fmt.Fprintf(command.ErrOrStderr(), "%v: whether the claim exists is seen when the pod starts\n", err)
		return nil, ctx.Err()
	case found && claim.Status.Phase == corev1.ClaimLost:
		return nil, contract.Failf(contract.VolumeUnsuitable, "the volume of PersistentVolumeClaim %s is lost", name)
	case found:
		return claim, nil
	case !p.create:
		return nil, &cli.Exit{Code: cli.NoSuchMix, Err: fmt.Errorf("there is no PersistentVolumeClaim %s in namespace %s%s; --create --size 10Gi makes it",
			name, client.Namespace, cli.DidYouMean(name, client.ClaimNames(ctx)))}
	}
	size, err := resource.ParseQuantity(p.size)
	if err != nil || size.Sign() <= 0 {
		return nil, contract.Failf(contract.InvalidTask, "--size is %q, which is not a size; write one such as 10Gi", p.size)
	}
	claim = render.EmptyClaim(client.Namespace, name, p.class, corev1.PersistentVolumeAccessMode(p.mode), corev1.ResourceList{corev1.ResourceStorage: size})
	if err := client.CreateClaim(ctx, claim); err != nil {
		return nil, err
	}
	fmt.Fprintf(command.ErrOrStderr(), "PersistentVolumeClaim %s was made\n", name)
	return claim, nil
}

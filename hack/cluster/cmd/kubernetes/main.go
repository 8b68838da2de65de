// Command kubernetes is a whole Kubernetes in one program: the base name it is called by, or else its first argument,
// says which component it is. One link step and one file on disk serve the local cluster, envtest and people.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // CronJob time zones, also where the machine has no zone files

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the credential plugins that kubectl users expect
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics of every component
	_ "k8s.io/component-base/metrics/prometheus/version"  // the version metric
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// components maps a component's name to its entry point, which gets the arguments with the component's name in front
// and returns the exit code.
var components = map[string]func(args []string) int{
	"etcd":                    func(args []string) int { etcdmain.Main(args); return 0 },
	"kube-apiserver":          command(apiserver.NewAPIServerCommand),
	"kube-controller-manager": command(controllermanager.NewControllerManagerCommand),
	"kube-proxy":              command(proxy.NewProxyCommand),
	"kube-scheduler":          command(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kubectl":                 runKubectl,
	"kubelet":                 command(func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }),
}

func main() {
	args := componentArgs(os.Args)
	if args == nil {
		fmt.Fprintf(os.Stderr, "kubernetes: call it by a component's name (a link to this file) or with one as first argument: %s\n",
			strings.Join(componentNames(), ", "))
		os.Exit(2)
	}
	// The components read os.Args themselves (flags, kubectl plugins, usage texts), so they must see a plain command line.
	os.Args = args
	os.Exit(components[args[0]](args))
}

// componentArgs returns the command line with the component's plain name in front, or nil when neither the program's
// own name nor the first argument names one.
func componentArgs(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	if name := filepath.Base(args[0]); components[name] != nil {
		return append([]string{name}, args[1:]...)
	}
	if len(args) > 1 && components[args[1]] != nil {
		return args[1:]
	}
	return nil
}

func componentNames() []string {
	names := make([]string, 0, len(components))
	for name := range components {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// command delays building a component's cobra command until it is known that this component runs: the constructors
// register flags and feature gates that are global to the process.
func command(build func() *cobra.Command) func([]string) int {
	return func([]string) int { return cli.Run(build()) }
}

func runKubectl(args []string) int {
	// Verbosity has to be known before the command exists: building it already logs (plugins, kuberc).
	_, _ = logs.GlogSetter(kubectl.GetLogVerbosity(args))
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err) // prints and exits with kubectl's own exit codes
	}
	return 0
}

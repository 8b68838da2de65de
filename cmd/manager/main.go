// Command manager is the operator: it turns every DatasetMix into Jobs that build it, and reports.
package main

import (
	"context"
	"os"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/datasetmix/datasetmix/controllers"
	"github.com/datasetmix/datasetmix/internal/gctune"
	"github.com/datasetmix/datasetmix/internal/version"
)

func main() {
	flags := parse(os.Args[1:])
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&flags.log)))
	ctrl.Log.Info("manager", "version", version.Number())
	if limit, err := gctune.SetMemoryLimit(); err == nil { // else there is none
		ctrl.Log.Info("the garbage collector keeps to the pod's memory", "bytes", limit)
	}
	if err := run(flags); err != nil {
		ctrl.Log.Error(err, "the manager ended")
		os.Exit(1)
	}
}

// run serves until a signal ends it.
func run(flags flags) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, flags.manager())
	if err != nil {
		return err
	}
	if flags.settings.WorkerImage == "" {
		if flags.settings.WorkerImage, err = ownImage(context.Background(), manager.GetAPIReader()); err != nil {
			return err
		}
	}
	reconciler := &controllers.DatasetMixReconciler{
		Client:   manager.GetClient(),
		Live:     manager.GetAPIReader(),
		Events:   manager.GetEventRecorder("datasetmix-operator"),
		Clock:    clock.RealClock{},
		Settings: flags.settings,
		Metrics:  controllers.NewMetrics(metrics.Registry),
	}
	if err := reconciler.SetupWithManager(manager); err != nil {
		return err
	}
	if err := manager.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := manager.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}

package main

import (
	"flag"
	"os"
	"strings"
	"time"

	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/datasetmix/datasetmix/controllers"
	"github.com/datasetmix/datasetmix/internal/render"
)

// passLimit is the time that one pass may take: it waits for the API server only.
const passLimit = 30 * time.Second

// lastPasses is how long a manager that is shutting down waits for running passes before it releases its lease.
const lastPasses = 30 * time.Second

type flags struct {
	settings   render.Settings
	namespaces string
	metrics    string
	insecure   bool
	probes     string
	elect      bool
	log        zap.Options
}

func parse(arguments []string) flags {
	var f flags
	set := flag.NewFlagSet("manager", flag.ExitOnError)
	set.StringVar(&f.settings.WorkerImage, "worker-image", os.Getenv("WORKER_IMAGE"), "Image of the worker pods. Default: the environment variable WORKER_IMAGE, else the manager's own.")
	set.StringVar(&f.settings.HubEndpoint, "hub-endpoint", os.Getenv("HF_ENDPOINT"), "Address of the Hugging Face Hub for sources that name none. Default: the environment variable HF_ENDPOINT, else https://huggingface.co.")
	set.StringVar(&f.namespaces, "namespaces", os.Getenv("WATCH_NAMESPACES"), "Namespaces to look after, separated by commas. Default: the environment variable WATCH_NAMESPACES, else all.")
	set.StringVar(&f.metrics, "metrics-bind-address", "0", "Address to serve metrics on, for example :8443; 0 serves none.")
	set.BoolVar(&f.insecure, "metrics-insecure", false, "Serve metrics over HTTP and to everyone, instead of over HTTPS and to those whom the API server allows.")
	set.StringVar(&f.probes, "health-probe-bind-address", ":8081", "Address to serve /healthz and /readyz on; 0 serves none.")
	set.BoolVar(&f.elect, "leader-elect", false, "Work only while holding the lease, so that several managers can stand by.")
	f.log.BindFlags(set)
	_ = set.Parse(arguments) // it exits
	return f
}

func (f flags) manager() ctrl.Options {
	options := ctrl.Options{
		Scheme:                        controllers.Scheme(),
		Cache:                         cache.Options{ByObject: controllers.CacheByObject()},
		HealthProbeBindAddress:        f.probes,
		LeaderElection:                f.elect,
		LeaderElectionID:              "manager.datasetmix.io",
		LeaderElectionReleaseOnCancel: true, // the process ends when the manager does
		GracefulShutdownTimeout:       ptr.To(lastPasses),
		Controller:                    config.Controller{ReconciliationTimeout: passLimit},
		Metrics:                       metricsserver.Options{BindAddress: f.metrics, SecureServing: !f.insecure},
	}
	if !f.insecure {
		options.Metrics.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	if f.namespaces != "" {
		options.Cache.DefaultNamespaces = map[string]cache.Config{}
		for name := range strings.SplitSeq(f.namespaces, ",") {
			options.Cache.DefaultNamespaces[strings.TrimSpace(name)] = cache.Config{}
		}
	}
	return options
}

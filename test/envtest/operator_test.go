package envtest

import (
	"context"
	"net/http"
	"sync"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/datasetmix/datasetmix/controllers"
	"github.com/datasetmix/datasetmix/internal/render"
)

// operator is one manager: a cache, a queue and a controller of its own, as one process has them.
type operator struct {
	account *rest.Config
	// namespace bounds what the manager sees; empty is everything except the namespaces of other managers.
	namespace string
	// between wraps the client of the controller, nil for not at all; live reports whether the client has no cache.
	between func(c client.WithWatch, live bool) client.WithWatch
	// silent managers record no Events, which go through no client of the controller's.
	silent bool
}

type noEvents struct{}

func (noEvents) Eventf(runtime.Object, runtime.Object, string, string, string, string, ...any) {}

// apart are namespaces that have a manager of their own, which the manager of all others leaves alone.
var apart sync.Map

// start runs the manager until the context ends.
func (o operator) start(ctx context.Context) (<-chan error, error) {
	between := o.between
	if between == nil {
		between = func(c client.WithWatch, _ bool) client.WithWatch { return c }
	}
	options := ctrl.Options{
		Scheme:         controllers.Scheme(),
		Cache:          cache.Options{ByObject: controllers.CacheByObject()},
		Metrics:        metricsserver.Options{BindAddress: "0"},
		MapperProvider: sharedMapper,
		Controller: config.Controller{
			ReconciliationTimeout: timeout,
			SkipNameValidation:    ptr.To(true), // several managers share this process
		},
		NewClient: func(config *rest.Config, options client.Options) (client.Client, error) {
			made, err := client.NewWithWatch(config, options)
			if err != nil {
				return nil, err
			}
			return between(made, false), nil
		},
	}
	if o.namespace != "" {
		options.Cache.DefaultNamespaces = map[string]cache.Config{o.namespace: {}}
	} else {
		between = leaveAlone(between)
	}
	manager, err := ctrl.NewManager(o.account, options)
	if err != nil {
		return nil, err
	}
	live, err := client.NewWithWatch(o.account, client.Options{
		Scheme: manager.GetScheme(), Mapper: manager.GetRESTMapper(), HTTPClient: manager.GetHTTPClient(),
	})
	if err != nil {
		return nil, err
	}
	reconciler := &controllers.DatasetMixReconciler{
		Client:   manager.GetClient(),
		Live:     between(live, true),
		Events:   manager.GetEventRecorder("datasetmix-operator"),
		Clock:    &managerClock,
		Settings: render.Settings{WorkerImage: workerImage},
	}
	if o.silent {
		reconciler.Events = noEvents{}
	}
	if err := reconciler.SetupWithManager(manager); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	return ended, nil
}

var mapper = sync.OnceValues(func() (apimeta.RESTMapper, error) {
	client, err := rest.HTTPClientFor(server)
	if err != nil {
		return nil, err
	}
	return apiutil.NewDynamicRESTMapper(server, client)
})

// sharedMapper asks the API server once which kinds it has, and not for each manager anew.
func sharedMapper(*rest.Config, *http.Client) (apimeta.RESTMapper, error) { return mapper() }

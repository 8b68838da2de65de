// Package monitoring tests the alerts and the dashboard of config/prometheus with Prometheus' own code: its reader of rules, its
// parser and its engine. It is a module of its own, since nothing else of the project needs Prometheus.
package monitoring

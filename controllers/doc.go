// Package controllers reconciles every DatasetMix: it observes what exists, creates the next Job, and writes the status. It opens no data file and
// calls only the API server. All it knows of the data are the results that workers leave in the termination messages of their pods.
//
// A pass never trusts the status that an earlier pass wrote. Results are facts about content keys, and are recorded in a ConfigMap. If results, pods or
// the status are lost, running the stage again restores them: it finds its work finished on the volume.
package controllers

// Package controllers reconciles every DatasetMix: it observes what exists, renders what should, creates the next Job and reports. It opens no data
// file and calls only the API server; what it knows of the data are the results that the workers leave in the termination messages of their pods.
//
// A pass never trusts what an earlier pass wrote into the status. Results are facts about content keys and are kept in a ConfigMap; whatever is
// lost of them, of the pods or of the status is restored by running the stage again, which finds its work finished on the volume.
package controllers

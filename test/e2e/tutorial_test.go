package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/datasetmix/datasetmix/test/tutorials"
)

// TestTheTutorialOfATraining types what docs/tutorials/training-job.md says, with the images of the tests.
func TestTheTutorialOfATraining(t *testing.T) {
	if _, err := os.Stat("../../dist/python.tar"); err != nil {
		t.Skipf("there is no image of Python: %v; hack/python-image.sh says why", err)
	}
	e := newCluster(t)
	folder := e.checkout()
	e.types("docs/tutorials/training-job.md", folder, e.kubeconfig(folder), 3)
}

// TestTheFirstPageOnACluster types what README says to do on a cluster.
func TestTheFirstPageOnACluster(t *testing.T) {
	e := newCluster(t)
	folder := e.checkout()
	e.must(os.Rename(filepath.Join(folder, "config", "samples", "data_v1alpha1_datasetmix_grpo_six.yaml"), filepath.Join(folder, "mix.yaml")))
	e.types("README.md", folder, e.kubeconfig(folder), 2)
}

// checkout returns a folder with the samples, in which the images are those of the tests.
func (e *cluster) checkout() string {
	e.Helper()
	folder := e.TempDir()
	e.must(os.CopyFS(filepath.Join(folder, "config", "samples"), os.DirFS(samples)))
	job := filepath.Join(folder, "config", "samples", "training", "job.yaml")
	content, err := os.ReadFile(job)
	e.must(err)
	e.must(os.WriteFile(job, []byte(images.Replace(string(content))), 0o600))
	return folder
}

// types runs the blocks of a page that are for a cluster, in a folder; there are so many of them at least.
func (e *cluster) types(page, folder, kubeconfig string, least int) {
	e.Helper()
	content, err := os.ReadFile(filepath.Join("../..", page))
	e.must(err)
	steps, err := tutorials.Steps(page, string(content))
	e.must(err)
	bin, err := filepath.Abs("../../bin")
	e.must(err)
	environment := append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "KUBECONFIG="+kubeconfig)
	ran := 0
	for _, step := range steps {
		if step.Marker == tutorials.Cluster {
			e.must(step.Run(e.Context(), folder, environment))
			ran++
		}
	}
	if ran < least {
		e.Errorf("%d blocks of %s were run", ran, page)
	}
}

// kubeconfig writes a copy of the cluster's whose namespace is that of the test.
func (e *cluster) kubeconfig(folder string) string {
	e.Helper()
	config, err := clientcmd.LoadFromFile(kubeconfig)
	e.must(err)
	for _, at := range config.Contexts {
		at.Namespace = e.namespace
	}
	path := filepath.Join(folder, "kubeconfig")
	e.must(clientcmd.WriteToFile(*config, path))
	return path
}

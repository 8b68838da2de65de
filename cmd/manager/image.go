package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// container is the name of the manager's own container.
const container = "manager"

// ownImage returns the image of this manager, which its workers run unless another one is named. It reads the manager's pod, which the variables
// POD_NAMESPACE and POD_NAME name.
func ownImage(ctx context.Context, reader client.Reader) (string, error) {
	key := client.ObjectKey{Namespace: os.Getenv("POD_NAMESPACE"), Name: os.Getenv("POD_NAME")}
	if key.Namespace == "" || key.Name == "" {
		return "", errors.New("set --worker-image, or the environment variable WORKER_IMAGE, to the image of the workers: the variables POD_NAMESPACE and POD_NAME do not say which pod this is")
	}
	pod := &corev1.Pod{}
	if err := reader.Get(ctx, key, pod); err != nil {
		return "", fmt.Errorf("the image of the workers is not set, and this pod, which has it, cannot be read: %w", err)
	}
	for _, of := range pod.Spec.Containers {
		if of.Name == container {
			return of.Image, nil
		}
	}
	return "", fmt.Errorf("the image of the workers is not set, and pod %s has no container %s", key, container)
}

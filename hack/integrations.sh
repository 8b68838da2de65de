#!/usr/bin/env bash
# Installs the real Kueue, JobSet and Kubeflow Trainer on the cluster of the tests, from the manifests of their modules. Kueue looks after
# the namespaces with the label queues=kueue alone.
set -euo pipefail
cd "$(dirname "$0")/.."
export KUBECONFIG="$PWD/bin/kubeconfig" PATH="$PWD/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# install NAME FOLDER MODULE MANIFESTS KUSTOMIZATION: the manifests of a module, in the version that the module in FOLDER names, with our
# kustomization among them.
install() {
  local from
  from=$(cd "$2" && go mod download "$3" && go list -m -f '{{.Dir}}' "$3")
  cp -r "$from/$4" "$work/$1" && chmod -R u+w "$work/$1"
  mkdir "$work/$1/tests" && cp "$5"/*.yaml "$work/$1/tests/"
  kubectl kustomize "$work/$1/tests" | kubectl apply --server-side --force-conflicts -f - >/dev/null
}

# confine KIND NAME: the webhooks of a configuration are asked in Kueue's namespaces alone, so that nothing else waits for them.
confine() {
  local patch='' count
  count=$(kubectl get "$1" "$2" -o jsonpath='{.webhooks[*].name}' | wc -w)
  for ((i = 0; i < count; i++)); do
    patch+="{\"op\":\"add\",\"path\":\"/webhooks/$i/namespaceSelector\",\"value\":{\"matchLabels\":{\"queues\":\"kueue\"}}},"
  done
  kubectl patch "$1" "$2" --type json --patch "[${patch%,}]" >/dev/null
}

# started NAMESPACE DEPLOYMENT SECRET: a manager fills the Secret of its certificates itself, and a pod that has mounted it empty would see
# that minutes later; so the pod is replaced once.
started() {
  until [ -n "$(kubectl -n "$1" get secret "$3" -o jsonpath='{.data.tls\.crt}')" ]; do sleep 0.5; done
  kubectl -n "$1" rollout restart "deployment/$2" >/dev/null
  kubectl -n "$1" rollout status "deployment/$2" --timeout=5m >/dev/null
}

hack/cluster.sh load dist/jobset.tar dist/trainer.tar dist/kueue.tar
# JobSet's definitions come first: the others look for them when they start, and not again.
install jobset hack/training sigs.k8s.io/jobset config hack/training/jobset
install trainer hack/training github.com/kubeflow/trainer/v2 manifests hack/training/trainer
install kueue hack/kueue sigs.k8s.io/kueue config hack/kueue
for kind in mutatingwebhookconfiguration validatingwebhookconfiguration; do confine "$kind" "kueue-${kind%webhookconfiguration}-webhook-configuration"; done
kubectl apply --server-side -k config/kueue >/dev/null
started jobset-system jobset-controller-manager jobset-webhook-server-cert
started kubeflow-system kubeflow-trainer-controller-manager kubeflow-trainer-webhook-cert
started kueue-system kueue-controller-manager kueue-webhook-server-cert
echo "Kueue, JobSet and Kubeflow Trainer run."

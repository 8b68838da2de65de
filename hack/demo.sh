#!/usr/bin/env bash
# Runs the main job on the cluster that `make cluster-up deploy` prepared: applies the six data sets' DatasetMix, shows the
# stages passing, and then what a training pod finds.
set -euo pipefail
cd "$(dirname "$0")/.."
export KUBECONFIG="$PWD/bin/kubeconfig" PATH="$PWD/bin:$PATH"
namespace=training
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

kubectl create namespace "$namespace" --dry-run=client -o yaml | kubectl apply -f - >/dev/null
kubectl label --overwrite namespace "$namespace" pod-security.kubernetes.io/enforce=restricted >/dev/null

say "\$ kubectl apply -n $namespace -f config/samples/data_v1alpha1_datasetmix_grpo_six.yaml"
kubectl apply -n "$namespace" -f config/samples/data_v1alpha1_datasetmix_grpo_six.yaml

say "\$ kubectl get -n $namespace datasetmix --watch"
kubectl get -n "$namespace" datasetmix grpo-six --watch & watch=$!
trap 'kill $watch 2>/dev/null || true' EXIT
for _ in $(seq 600); do
  case "$(kubectl get -n "$namespace" datasetmix grpo-six -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}{.status.conditions[?(@.type=="Stalled")].status}')" in
    True) break ;;
    FalseTrue) kubectl get -n "$namespace" datasetmix grpo-six -o jsonpath='{.status.conditions[?(@.type=="Stalled")].message}'; echo; exit 1 ;;
  esac
  sleep 1
done
sleep 1 # the watch prints the last line
kill $watch 2>/dev/null || true
wait $watch 2>/dev/null || true
kubectl wait -n "$namespace" --for=condition=Ready --timeout=1s datasetmix/grpo-six >/dev/null

say "\$ kubectl get -n $namespace datasetmix,jobs,pvc"
kubectl get -n "$namespace" datasetmix,jobs,pvc

say "The counts per data set, from the status"
kubectl get -n "$namespace" datasetmix grpo-six -o go-template-file=hack/demo/status.gotemplate

say "A training pod mounts the published revision read-only:"
image=$(kubectl get -n datasetmix-hub deployment/hub -o jsonpath='{.spec.template.spec.containers[0].image}' 2>/dev/null || echo datasetmix-hub:dev)
claim=$(kubectl get -n "$namespace" datasetmix grpo-six -o jsonpath='{.status.published.claimName}')
kubectl delete -n "$namespace" pod reader --ignore-not-found >/dev/null
sed "s#HUB_IMAGE#$image#; s#CLAIM#$claim#" hack/demo/reader.yaml | tee /dev/stderr | kubectl apply -n "$namespace" -f - >/dev/null
kubectl wait -n "$namespace" --for=jsonpath='{.status.phase}'=Succeeded --timeout=2m pod/reader >/dev/null
say "\$ kubectl logs -n $namespace reader"
kubectl logs -n "$namespace" reader | cut -c1-400

say "Next: change a share with \`kubectl edit -n $namespace datasetmix grpo-six\` and watch only the mix being built again."
echo "export KUBECONFIG=$KUBECONFIG"

#!/usr/bin/env bash
# Loads the images into the cluster and installs the operator and the stand-in Hub. Settings: IMAGE, HUB_IMAGE, HUB.
set -euo pipefail
cd "$(dirname "$0")/.."
export KUBECONFIG="$PWD/bin/kubeconfig" PATH="$PWD/bin:$PATH"

hack/cluster.sh load dist/datasetmix.tar dist/hub.tar

kubectl kustomize config/default | sed "s#ghcr.io/datasetmix/datasetmix:latest#$IMAGE#g" |
  kubectl apply --server-side --force-conflicts -f - >/dev/null

if [ "$HUB" = stand-in ]; then
  sed "s#HUB_IMAGE#$HUB_IMAGE#g" hack/demo/hub.yaml | kubectl apply --server-side --force-conflicts -f - >/dev/null
  kubectl -n datasetmix-hub rollout restart deployment/hub >/dev/null
  # By address, not by name: a cluster without DNS does as well.
  endpoint="http://$(kubectl -n datasetmix-hub get service hub -o jsonpath='{.spec.clusterIP}')"
  kubectl -n datasetmix-hub rollout status deployment/hub --timeout=3m >/dev/null
else
  endpoint=$HUB
fi
kubectl -n datasetmix-system set env deployment/datasetmix-manager HF_ENDPOINT="$endpoint" >/dev/null
kubectl -n datasetmix-system rollout restart deployment/datasetmix-manager >/dev/null # the image's name may be the same
kubectl -n datasetmix-system rollout status deployment/datasetmix-manager --timeout=3m >/dev/null
# A pod that is being replaced may lead for a moment longer, and would make Jobs with its own settings.
replicas=$(kubectl -n datasetmix-system get deployment datasetmix-manager -o jsonpath='{.spec.replicas}')
for _ in $(seq 300); do
  [ "$(kubectl -n datasetmix-system get pods -o name | wc -l)" -gt "$replicas" ] || break
  sleep 0.2
done
echo "The operator runs in namespace datasetmix-system; its Hub is $endpoint."

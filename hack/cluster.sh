#!/usr/bin/env bash
# cluster.sh up | down | load TAR...: the cluster of the demo and the tests. kind where a Docker engine runs, else a real
# Kubernetes built from Go modules (hack/cluster). CLUSTER=kind or CLUSTER=built decides by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
export KUBECONFIG="$PWD/bin/kubeconfig" PATH="$PWD/bin:$PATH"
name=datasetmix

driver() {
  if [ -n "${CLUSTER:-}" ]; then echo "$CLUSTER"; return; fi
  if command -v kind >/dev/null && docker info >/dev/null 2>&1; then echo kind; else echo built; fi
}

kind_up() {
  command -v kubectl >/dev/null || { echo "kubectl is missing: install it to work with kind" >&2; exit 1; }
  if ! kind get clusters 2>/dev/null | grep -qx "$name"; then
    kind create cluster --name "$name" --kubeconfig "$KUBECONFIG" --wait 3m
  fi
  make --no-print-directory "$PWD/bin/cluster" # it writes images as files
}

built_up() {
  make --no-print-directory cluster-tools
  [ "$(id -u)" = 0 ] || { echo "A cluster without a Docker engine needs root: it makes network namespaces and mounts." >&2; exit 1; }
  if ! missing_nothing; then hack/cluster/install-packages.sh >/dev/null; fi
  cluster up
}

missing_nothing() { for p in containerd ctr runc nft iptables conntrack; do command -v "$p" >/dev/null || return 1; done; [ -d /usr/lib/cni ]; }

case "$(driver) ${1:-}" in
  "kind up") kind_up ;;
  "kind down") kind delete cluster --name "$name" ;;
  "kind load") shift; for tar in "$@"; do kind load image-archive --name "$name" "$tar"; done ;;
  "built up") built_up ;;
  "built down") if [ -x bin/cluster ]; then cluster down; fi ;;
  "built load") shift; cluster load "$@" ;;
  *) echo "usage: hack/cluster.sh up | down | load TAR..." >&2; exit 2 ;;
esac

#!/bin/sh
# Installs the Debian packages that a local cluster needs. Run it as root. `cluster packages` prints the same list.
set -eu

# policy-rc.d keeps the package from starting a containerd of its own, which nothing here uses.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends \
  conntrack containerd containernetworking-plugins iptables mount nftables runc

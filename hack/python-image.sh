#!/usr/bin/env bash
# Writes an image with Python and the package datasetmix, for the tests: put together from Debian's packages by `cluster image`, without a
# container engine. python/Dockerfile makes the same for everybody else. Where the packages cannot be had it says so and writes none.
set -euo pipefail
cd "$(dirname "$0")/.."
tag=$1 out=$2
packages=(python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 libexpat1 zlib1g libssl3 libbz2-1.0 liblzma5 libffi8 libuuid1)

work=dist/python-image
rm -rf "$work" "$out" && mkdir -p "$work/packages" "$work/root"
if ! (cd "$work/packages" && chmod 777 . && apt-get download -qq "${packages[@]}" 2>log); then
  echo "the image of Python is not made: Debian's packages of Python 3.11 cannot be had: $(tail -1 "$work/packages/log" 2>/dev/null)"
  exit 0
fi
for package in "$work"/packages/*.deb; do dpkg-deb --extract "$package" "$work/root"; done
rm -rf "$work"/root/usr/share/{doc,man,lintian}
ln -s python3.11 "$work/root/usr/bin/python3"
mkdir -p "$work/root/usr/lib/python3/dist-packages" "$work/root/tmp"
cp -r python/datasetmix "$work/root/usr/lib/python3/dist-packages/"
find "$work/root" -name __pycache__ -prune -exec rm -rf {} +
bin/cluster image --tag "$tag" --dir "$work/root:/" --env PYTHONDONTWRITEBYTECODE=1 --entrypoint /usr/bin/python3 --out "$out"

#!/usr/bin/env bash
# Installs the libraries that drive Chromium, and the tests that use them: browser-libraries.sh FOLDER. Without Chromium, Node.js or npm it names
# what is missing, and ends well; where all is there, FOLDER/ready holds the path of Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
rm -f "$folder/ready"
for tool in "${CHROMIUM:-chromium}" node npm; do
  if ! command -v "$tool" >/dev/null; then
    echo "browser: there is no $tool here: no page is shown in a browser"
    exit 0
  fi
done
mkdir -p "$folder"

# The libraries of package-lock.json, installed once for each version of it. Nothing of theirs is run while they are installed.
stamp=$(sha256sum <test/browser/package-lock.json)
if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
  rm -rf "$folder/node_modules"
  cp test/browser/package.json test/browser/package-lock.json "$folder/"
  npm --prefix "$folder" ci --ignore-scripts --no-audit --no-fund
  echo "$stamp" >"$folder/stamp"
fi
cp test/browser/*.mjs "$folder/"
command -v "${CHROMIUM:-chromium}" >"$folder/ready"

#!/usr/bin/env bash
# Drives Chromium over the pages that people look at: browser.sh PROGRAM FOLDER. PROGRAM is kubectl-datasetmix; pictures of the pages are
# left in FOLDER/pictures, to be looked at. Without Chromium, Node.js or npm it names what is missing, and ends well.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "$1") folder=$2
for tool in "${CHROMIUM:-chromium}" node npm; do
  if ! command -v "$tool" >/dev/null; then
    echo "browser: there is no $tool here: no page is shown in a browser"
    exit 0
  fi
done
mkdir -p "$folder"
folder=$(realpath "$folder")

# The libraries of package-lock.json, installed once for each version of it. Nothing of theirs is run while they are installed.
stamp=$(sha256sum <test/browser/package-lock.json)
if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
  rm -rf "$folder/node_modules"
  cp test/browser/package.json test/browser/package-lock.json "$folder/"
  npm --prefix "$folder" ci --ignore-scripts --no-audit --no-fund
  echo "$stamp" >"$folder/stamp"
fi
cp test/browser/*.mjs "$folder/"

# What the command shows of a folder: a mix that was built twice, the second time with another share.
rm -rf "$folder/ui" "$folder/pictures"
node "$folder/rows.mjs" "$folder/ui/rows"
for mix in mix edited; do
  "$program" build -f "$folder/ui/rows/$mix.yaml" --claim "rows=$folder/ui/rows" --data "$folder/ui/volume" >/dev/null
done

# Two reports: that of the rows that come with the program, and that of 64 data sets in 4 splits whose rows are all markup.
rm -rf "$folder/data" "$folder/reports"
mkdir -p "$folder/data" "$folder/reports"
"$program" example "$folder/data/example" >/dev/null
"$program" build -f "$folder/data/example/mix.yaml" --claim "examples=$folder/data/example" --data "$folder/data/volume" >/dev/null
cp "$folder"/data/volume/*/current/report.html "$folder/reports/example.html"
REPORT="$folder/reports/large.html" go test -count=1 -run TestALargeMixIsASmallPage ./internal/report/page
reports=$(printf '%s:' "$folder"/reports/*.html)
CHROMIUM=$(command -v "${CHROMIUM:-chromium}") REPORTS=${reports%:} PICTURES=$folder/pictures \
  PROGRAM=$program VOLUME=$folder/ui/volume EDITED=$folder/ui/rows/mix.yaml node --test "$folder"/*.test.mjs

# What it shows of a cluster, where there is an API server to ask.
if [ -e bin/envtest/kube-apiserver ]; then
  CHROMIUM=$(command -v "${CHROMIUM:-chromium}") BROWSER=$folder go test -count=1 -run '^TestThePagesOfACluster$' ./test/command
else
  echo "browser: there is no bin/envtest/kube-apiserver: no page of a cluster is looked at"
fi
echo "browser: the pictures are in $folder/pictures"

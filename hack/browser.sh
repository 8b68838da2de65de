#!/usr/bin/env bash
# Drives Chromium over the pages that people look at: browser.sh PROGRAM FOLDER. PROGRAM is kubectl-datasetmix; pictures of the pages are
# left in FOLDER/pictures, to be looked at; those of docs/pictures are compared with the pages, or with UPDATE=1 made again. Without Chromium,
# Node.js or npm it names what is missing, and ends well.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "$1") folder=$2
hack/browser-libraries.sh "$folder"
[ -e "$folder/ready" ] || exit 0
folder=$(realpath "$folder")

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
CHROMIUM=$(cat "$folder/ready") DOCUMENTED=$PWD/docs/pictures REPORTS=${reports%:} PICTURES=$folder/pictures \
  PROGRAM=$program VOLUME=$folder/ui/volume EDITED=$folder/ui/rows/mix.yaml node --test "$folder"/*.test.mjs

# What it shows of a cluster, where there is an API server to ask.
if [ -e bin/envtest/kube-apiserver ]; then
  CHROMIUM=$(cat "$folder/ready") BROWSER=$folder go test -count=1 -run '^TestThePagesOfACluster$' ./test/command
else
  echo "browser: there is no bin/envtest/kube-apiserver: no page of a cluster is looked at"
fi
echo "browser: the pictures are in $folder/pictures"

#!/usr/bin/env bash
# Runs every fuzz target in the repository, one after the other: FUZZTIME for each that takes what comes from outside, FUZZBRIEF
# for those with a line "//fuzz:brief <why>" in their comment, so that all of them together take about a quarter of an hour. Two
# side by side would have half the speed each on the two cores that CI has.
set -euo pipefail
cd "$(dirname "$0")/.."
full=${FUZZTIME:-1m} brief=${FUZZBRIEF:-5s} only=${1:-.}

# A target that takes memory without bound shall fail, with its input written down, and not take the machine with it.
ulimit -v $((12 << 20))

output=$(mktemp)
trap 'rm -f "$output"' EXIT
# Without a bound on minimizing, an input that is merely new can cost the whole minute.
run() {
  (cd "$1" && go test -run '^$' -fuzz "^$2\$" -fuzztime "$3" -fuzzminimizetime 1s -parallel 2 .) >"$output" 2>&1
}
# Go's fuzzer now and then takes the end of its own time for a failure (golang.org/issue/75804); no input is written then.
out_of_time() {
  grep -q 'context deadline exceeded' "$output" && ! grep -q 'Failing input written' "$output"
}

targets=$(git ls-files --cached --others --exclude-standard '*_test.go' | sort | xargs awk -v OFS='\t' '
  FNR == 1 { brief = 0 }
  /^\/\/fuzz:brief ./ { brief = 1 }
  /^func Fuzz[A-Za-z0-9_]*\(f \*testing\.F\)/ {
    folder = FILENAME; if (!sub("/[^/]*$", "", folder)) folder = "."
    name = $2; sub("\\(.*", "", name)
    print folder, name, brief
  }
  !/^\/\// { brief = 0 }')
[ -n "$targets" ] || { echo "no fuzz target was found"; exit 1; }

count=0
while IFS=$'\t' read -r folder name short; do
  [[ $folder/$name =~ $only ]] || continue
  time=$full
  [ "$short" = 0 ] || time=$brief
  printf '%-44s %4s ' "$folder $name" "$time"
  run "$folder" "$name" "$time" || { out_of_time && run "$folder" "$name" "$time"; } || { echo failed; cat "$output"; exit 1; }
  grep -o 'execs: [0-9]*' "$output" | tail -1 | awk '{ printf "%12d executions\n", $2 }'
  count=$((count + 1))
done <<<"$targets"
[ $count -gt 0 ] || { echo "no fuzz target matches $only"; exit 1; }
echo "$count fuzz targets passed"

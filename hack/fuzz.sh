#!/usr/bin/env bash
# Runs every fuzz target in the repository, as many at once as there are processors, each on one: FUZZTIME for each that takes
# what comes from outside, FUZZBRIEF for those with a line "//fuzz:brief <why>" in their comment.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZTIME=${FUZZTIME:-1m} FUZZBRIEF=${FUZZBRIEF:-5s}
only=${1:-.}

# A target that takes memory without bound shall fail, with its input written down, and not take the machine with it.
ulimit -v $((12 << 20))

# shellcheck disable=SC2016 # the text is a program of awk
targets=$(git ls-files --cached --others --exclude-standard '*_test.go' | sort | xargs awk -v only="$only" '
  FNR == 1 { brief = 0 }
  /^\/\/fuzz:brief ./ { brief = 1 }
  /^func Fuzz[A-Za-z0-9_]*\(f \*testing\.F\)/ {
    folder = FILENAME; if (!sub("/[^/]*$", "", folder)) folder = "."
    name = $2; sub("\\(.*", "", name)
    if (folder "/" name ~ only) print folder, name, brief ? ENVIRON["FUZZBRIEF"] : ENVIRON["FUZZTIME"]
  }
  !/^\/\// { brief = 0 }')
[ -n "$targets" ] || { echo "no fuzz target matches $only"; exit 1; }

# fuzz FOLDER NAME TIME runs one target, and prints a line, or all of its output if it fails.
fuzz() {
  local output
  output=$(mktemp)
  if run "$@" || { out_of_time && run "$@"; }; then
    printf '%-44s %4s %12d executions\n' "$1 $2" "$3" "$(grep -o 'execs: [0-9]*' "$output" | tail -1 | cut -d' ' -f2)"
    rm "$output"
  else
    printf '%-44s %4s failed\n%s\n' "$1 $2" "$3" "$(cat "$output")"
    rm "$output"
    return 1
  fi
}
# Without a bound on minimizing, an input that is merely new can cost the whole minute.
run() {
  (cd "$1" && go test -run '^$' -fuzz "^$2\$" -fuzztime "$3" -fuzzminimizetime 1s -parallel 1 .) >"$output" 2>&1
}
# Go's fuzzer now and then takes the end of its own time for a failure (golang.org/issue/75804); no input is written then.
out_of_time() {
  grep -q 'context deadline exceeded' "$output" && ! grep -q 'Failing input written' "$output"
}
export -f fuzz run out_of_time

# One after the other: two at once would compile what they have in common twice.
for folder in $(cut -d' ' -f1 <<<"$targets" | uniq); do
  (cd "$folder" && go test -c -fuzz . -o /dev/null .)
done
xargs -P "$(nproc)" -L 1 bash -c 'fuzz "$@"' fuzz <<<"$targets" || { echo "a fuzz target failed"; exit 1; }
echo "$(wc -l <<<"$targets") fuzz targets passed"

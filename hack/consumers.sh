#!/usr/bin/env bash
# Runs test/consumers with the libraries themselves, of the versions in its requirements, which are installed below a folder first.
# It says why and passes over a set of them where Python or a package index is missing.
#
# usage: [ENVIRONMENTS="new old servers"] hack/consumers.sh FOLDER PROGRAM HUB [TEST…]
set -euo pipefail
folder=$1 program=$2 hub=$3
shift 3
here=$(cd "$(dirname "$0")/.." && pwd)
export DATASETMIX_PROGRAM=$program DATASETMIX_HUB=$hub PYTHONDONTWRITEBYTECODE=1

if ! command -v python3 >/dev/null || ! python3 -m venv --help >/dev/null 2>&1; then
  echo "python3 or its venv is missing: no library reads what is published"
  exit 0
fi

# install NAME makes an environment of requirements-NAME.txt, once for each content of the file.
install() {
  local file=$here/test/consumers/requirements-$1.txt to=$folder/$1
  if cmp -s "$file" "$to/requirements.txt"; then return 0; fi
  rm -rf "$to" && mkdir -p "$folder" && python3 -m venv "$to"
  if ! "$to/bin/pip" install --quiet --no-compile --no-deps --retries 1 -r "$file" >"$to/install.log" 2>&1; then
    tail -3 "$to/install.log"
    return 1
  fi
  cp "$file" "$to/requirements.txt"
}

# azurite installs test/consumers/azurite, once for each content of its lock file, and names the program. Nothing of its is run meanwhile.
azurite() {
  local from=$here/test/consumers/azurite to=$folder/azurite
  command -v node >/dev/null && command -v npm >/dev/null || return 0
  if ! cmp -s "$from/package-lock.json" "$to/installed.json"; then
    rm -rf "$to" && mkdir -p "$to" && cp "$from"/package*.json "$to"
    npm --prefix "$to" ci --ignore-scripts --no-audit --no-fund >"$to/install.log" 2>&1 || return 0
    cp "$from/package-lock.json" "$to/installed.json"
  fi
  export AZURITE=$to/node_modules/azurite/dist/src/blob/main.js
}

failed=0
for name in ${ENVIRONMENTS:-new old servers}; do
  if ! install "$name"; then
    echo "the libraries of requirements-$name.txt cannot be installed here (no package index?): they are passed over"
    continue
  fi
  if [ "$name" = servers ]; then azurite; fi
  echo "--- $name"
  (cd "$here/test/consumers" && "$folder/$name/bin/python" -m unittest "${@:-discover}" --verbose) || failed=1
done
exit $failed

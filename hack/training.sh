#!/usr/bin/env bash
# Runs the tests of the Python package that train, ask and serve a real model: a small random one, on the processor. Their libraries,
# of python/requirements-training.txt, are installed below a folder first: 5 GB, in some four minutes. Without a Python for them, room or a
# package index it passes over, and names the reason.
#
# usage: hack/training.sh FOLDER [ARGUMENT OF PYTEST…]
set -euo pipefail
folder=$1
shift
cd "$(dirname "$0")/../python"
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
room=10 # GB: what is installed, and its packages meanwhile

passed_over() {
  echo "training: $1: no real model is trained or asked"
  exit 0
}

program=
for candidate in python3.11 python3 "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.11".*/bin/python3; do
  if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    program=$(command -v "$candidate")
    break
  fi
done
[ -n "$program" ] || passed_over "there is no Python 3.11 with venv"

stamp=$("$program" --version; sha256sum <requirements-training.txt)
if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
  rm -rf "$folder" && mkdir -p "$folder"
  free=$(df --block-size=G --output=avail "$folder" | tail -1 | tr -dc 0-9)
  [ "$free" -ge "$room" ] || passed_over "$folder has $free GB of room, and the libraries need $room"
  "$program" -m venv "$folder"
  if ! "$folder/bin/python" -m pip install --quiet --no-deps --require-hashes --requirement requirements-training.txt >"$folder/install.log" 2>&1; then
    tail -3 "$folder/install.log"
    rm -rf "$folder"
    passed_over "the libraries cannot be installed, see above"
  fi
  echo "$stamp" >"$folder/stamp"
fi
"$folder/bin/python" -m pytest -q --durations=5 "$@" tests/test_models.py tests/test_torch.py tests/test_mathverify.py

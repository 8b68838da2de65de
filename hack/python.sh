#!/usr/bin/env bash
# Checks the Python package on the oldest and the newest supported Python: ruff, mypy, pytest, and the wheel installed alone.
# The tools stand in python/requirements.txt with their digests. What is missing is named and passed over; in CI it is an error,
# as long as one Python is there.
set -euo pipefail
cd "$(dirname "$0")/../python"
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
mapfile -t supported < <(sed -n 's/.*"Programming Language :: Python :: \(3\.[0-9]*\)".*/\1/p' pyproject.toml)
environments=../dist/python

# find X.Y: a program that is that Python, from the path or from pyenv.
find_python() {
  local candidate
  for candidate in "python$1" python3 "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python3; do
    if "$candidate" -c "import sys; sys.exit(sys.version_info[:2] != tuple(map(int, '$1'.split('.'))))" 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

# tools X.Y PROGRAM: an environment with the tools, made once for each version of requirements.txt.
tools() {
  local folder=$environments/$1 stamp
  stamp=$("$2" --version; sha256sum <requirements.txt)
  if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$folder"
    "$2" -m venv "$folder" && "$folder/bin/python" -m pip install --quiet --require-hashes --requirement requirements.txt || return 1
    echo "$stamp" >"$folder/stamp"
  fi
}

checked=
for version in "${supported[0]}" "${supported[-1]}"; do
  program=$(find_python "$version")
  if [ -z "$program" ]; then
    echo "python: there is no Python $version here: the package is not checked with it"
    continue
  fi
  if ! tools "$version" "$program"; then
    echo "python: the tools of requirements.txt cannot be installed for Python $version, see above: it is passed over"
    [ -z "${CI:-}" ] || exit 1
    continue
  fi
  checked=$version
  echo "python: $("$program" --version)"
  python=$environments/$version/bin/python
  $python -m pytest -q
  # The wheel as a user has it: nothing beside it, not even this folder.
  rm -rf "$environments/wheel" "$environments/user"
  $python -m hatchling build --target wheel --directory "$environments/wheel" 2>/dev/null
  "$program" -m venv "$environments/user"
  "$environments/user/bin/python" -m pip install --quiet --no-index "$environments"/wheel/*.whl
  (cd "$environments/user" && bin/python -I -c "
import datasetmix, importlib.metadata, importlib.resources, pkgutil
assert datasetmix.__version__ == importlib.metadata.version('datasetmix')
assert importlib.resources.files(datasetmix).joinpath('py.typed').is_file()
for module in pkgutil.iter_modules(datasetmix.__path__):
    if module.name != '__main__' and not module.name.startswith('torch_'):
        importlib.import_module('datasetmix.' + module.name)
print('python: the wheel of', datasetmix.__version__, 'works alone')")
done
if [ -z "$checked" ]; then
  echo "python: the Python side is not checked"
  exit 0
fi
tool=$environments/$checked/bin
"$tool/ruff" format --check .
"$tool/ruff" check .
"$tool/mypy" --cache-dir "$environments/mypy"

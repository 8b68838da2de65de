"""The commands of the package: `python -m datasetmix evaluate`, `python -m datasetmix compare`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from datasetmix.evaluation import command


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command, and returns its exit code: 0, or 1 after an error, which is told in a sentence; argparse ends with 2."""
    parser = argparse.ArgumentParser(prog="python -m datasetmix", description="Evaluate models on the mixes that DatasetMix publishes.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command.add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except command.ERRORS as error:
        print(f"datasetmix: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("datasetmix: interrupted; the same command goes on where it was", file=sys.stderr)
        return 130


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # threads that still wait for a server are not waited for

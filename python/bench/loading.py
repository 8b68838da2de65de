"""Measures the DataManager: how fast so many rows are opened and in how much memory, and its rows per second beside others'.

python bench/loading.py REVISION [--rows 10000000] [--rounds 3]

REVISION is read by each reader in turn, several rounds, and the median is told; `datasets` and torchdata are measured where they are
installed. Seconds are those of the processor: they mean the same on a busy machine. The file of --rows rows is made in the folder
for temporary files (TMPDIR), and removed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from datasetmix import DataManager

RATIOS = {"math": 4, "qa": 3, "code": 3}


def readers(revision: Path, cache: str) -> dict[str, Callable[[], Iterable[Any]]]:
    """What hands out every row of the mixed train split once, by name."""
    mixed = str(revision / "mixed" / "train_mixed.jsonl")
    found: dict[str, Callable[[], Iterable[Any]]] = {
        "plain Python: json.loads of each line": lambda: map(json.loads, open(mixed, "rb")),  # noqa: SIM115
        "DataManager, the mixed order": lambda: DataManager(revision),
        "DataManager, at 4:3:3": lambda: DataManager(revision, RATIOS),
        "DataManager, at 4:3:3, rank 3 of 8": lambda: DataManager(revision, RATIOS, rank=3, world_size=8),
    }
    try:
        import datasets
    except ImportError:
        print("datasets is not installed, and passed over")
    else:
        datasets.disable_progress_bars()
        loaded = datasets.load_dataset("json", data_files=mixed, split="train", cache_dir=cache)
        found["datasets, from its Arrow cache"] = lambda: loaded
        found["datasets, streaming"] = lambda: datasets.load_dataset("json", data_files=mixed, split="train", streaming=True)
    try:
        from torchdata.stateful_dataloader import StatefulDataLoader
    except ImportError:
        print("torchdata is not installed, and passed over")
    else:
        found["torchdata's loader over a DataManager at 4:3:3"] = lambda: StatefulDataLoader(
            DataManager(revision, RATIOS).iterable(), batch_size=None, collate_fn=_same
        )
        if "datasets, from its Arrow cache" in found:
            found["torchdata's loader over datasets"] = lambda: StatefulDataLoader(loaded, batch_size=None, collate_fn=_same)
    return found


def _same(row: Any) -> Any:
    return row


def compare(revision: Path, rounds: int) -> None:
    """Prints rows per second of each reader."""
    with tempfile.TemporaryDirectory() as cache:
        speeds: dict[str, list[float]] = {}
        for _ in range(rounds):
            for name, reader in readers(revision, cache).items():
                begin = time.process_time()
                rows = sum(1 for _ in reader())
                speeds.setdefault(name, []).append(rows / (time.process_time() - begin))
    for name, of in speeds.items():
        print(f"{name:50} {statistics.median(of):>10,.0f} rows/s")


OPEN = """
import resource, sys, time
from datasetmix import DataManager
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin, cpu = time.perf_counter(), time.process_time()
manager = DataManager(sys.argv[1])
first, last = manager[0], manager[-1]
wall, opened = time.perf_counter() - begin, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cpu = time.process_time()
for place in range(0, len(manager), len(manager) // 1000):
    manager[place]
each = (time.process_time() - cpu) / 1000
print(f"{len(manager):,} rows opened in {opened:.2f} s ({wall:.2f} s by the clock), a row at any place {each * 1e6:.0f} us")
print(f"peak {peak / 1024:.0f} MB, of which {before / 1024:.0f} MB are Python and the package")
"""


def open_many(rows: int) -> None:
    """Prints how a mixed file of so many rows is opened."""
    with tempfile.TemporaryDirectory() as folder:
        row = '{{"id":"gsm8k_{0}","dataset":"gsm8k","domain":"math","question":"What is {0} and {0}?","reference_answer":"{0}",'
        row += '"answer_type":"numeric","metadata":{{"source":"gsm8k","original_id":"{0}"}}}}\n'
        with open(Path(folder) / "train_mixed.jsonl", "w", buffering=1 << 20) as out:
            out.writelines(row.format(number) for number in range(rows))
            size = out.tell()
        plan = [
            {
                "name": "train",
                "rows": rows,
                "domains": [{"name": "math", "datasets": [{"name": "gsm8k", "available": rows, "balanced": rows}]}],
            }
        ]
        (Path(folder) / "info.json").write_text(json.dumps({"seed": 42, "plan": plan}))
        print(f"a file of {size / 1e9:.2f} GB:", flush=True)
        subprocess.run([sys.executable, "-c", OPEN, folder], check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    open_many(options.rows)
    compare(options.revision, options.rounds)


if __name__ == "__main__":
    main()

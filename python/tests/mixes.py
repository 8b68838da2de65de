"""Mixes for tests: one that is written here, small, and the real rows of the six data sets, built by the operator's own program."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "bin" / "kubectl-datasetmix"

DOMAINS = {"math": ["gsm8k", "math"], "qa": ["squad2", "hotpotqa"], "code": ["humaneval", "mbpp"]}
ROWS = {"gsm8k": 90, "math": 100, "squad2": 73, "hotpotqa": 80, "humaneval": 7, "mbpp": 16}
SOURCES = {
    "gsm8k": "gsm8k/train.jsonl",
    "math": "math/train.jsonl",
    "squad2": "squad2/dev-v2.0.json",
    "hotpotqa": "hotpotqa/hotpot_dev_v1_simplified.json",
    "humaneval": "humaneval/HumanEval.jsonl.gz",
    "mbpp": "mbpp/sanitized-mbpp.json",
}


def real_rows() -> Path:
    """The folder of the published files of the six data sets; skips the test where it or the program that builds is missing."""
    named = os.environ.get("DATASETMIX_REAL_ROWS")
    found = [Path(named) / SOURCES["gsm8k"]] if named else sorted(ROOT.parent.glob(f"*/data/{SOURCES['gsm8k']}"))
    if not found:
        pytest.skip(
            "the published files of the six data sets are not here: DATASETMIX_REAL_ROWS names no folder, nor is one beside the checkout"
        )
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built: make build")
    return found[0].parents[1]


def build(folder: Path, **output: object) -> Path:
    """Builds the real rows as a mix 4:3:3, and returns its revision. Members of `spec` may be given beside those of `output`."""
    spec: dict[str, Any] = {name: output.pop(name) for name in ("resample", "order") if name in output}
    domains = [
        {
            "name": domain,
            "share": 4 if domain == "math" else 3,
            "datasets": [
                {"name": d, "source": {"volume": {"claimName": "rows", "path": SOURCES[d]}}, "record": {"preset": d}} for d in datasets
            ],
        }
        for domain, datasets in DOMAINS.items()
    ]
    splits = [{"name": name, "share": share, "size": {"policy": "KeepTotal"}} for name, share in (("train", 5), ("test", 1))]
    spec |= {"seed": 42, "splits": splits, "domains": domains, "output": {"volume": {"claimName": "datasets"}, **output}}
    manifest = {"apiVersion": "data.datasetmix.io/v1alpha1", "kind": "DatasetMix", "metadata": {"name": "six"}, "spec": spec}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mix.yaml").write_text(json.dumps(manifest))
    run = subprocess.run(
        [PROGRAM, "build", "-f", folder / "mix.yaml", "--data", folder, "--claim", f"rows={real_rows()}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return folder / "six" / "current"


def row(dataset: str, number: int) -> dict[str, Any]:
    """A row of a made mix."""
    domain = next(name for name, datasets in DOMAINS.items() if dataset in datasets)
    return {
        "id": f"{dataset}_{number}",
        "dataset": dataset,
        "domain": domain,
        "question": f'What is "{number}" of {dataset}, in\u2028two lines? é',
        "reference_answer": str(number),
        "answer_type": "numeric",
        "metadata": {"source": dataset, "original_id": str(number), "weight": number / 4},
    }


def line(of: dict[str, Any]) -> bytes:
    """A row as it is published."""
    return json.dumps(of, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes rows in the format of the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(map(line, rows))
    if path.name.endswith(".gz"):
        content = gzip.compress(content)
    elif path.name.endswith(".zst"):
        zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed: JSONLZstd is not tried")
        content = zstandard.ZstdCompressor().compress(content)
    elif path.name.endswith(".parquet"):
        pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: Parquet is not tried")
        parquet = pytest.importorskip("pyarrow.parquet")
        columns = {name: [r[name] for r in rows] for name in row("gsm8k", 0)}
        columns["metadata"] = [json.dumps(value, separators=(",", ":")) for value in columns["metadata"]]
        parquet.write_table(pyarrow.table(columns), path, row_group_size=50)
        return
    path.write_bytes(content)


def made(folder: Path, ending: str = ".jsonl", shards: int = 1, name: str = "made") -> Path:
    """Writes a small mix with one split, whose mixed rows stand in no special order, and returns its folder."""
    mixed = [row(dataset, number) for number in range(100) for dataset, rows in ROWS.items() if number < rows]
    files: dict[str, list[dict[str, Any]]] = {}
    for shard in range(shards):
        part = f"-{shard:05}-of-{shards:05}" if shards > 1 else ""
        files[f"mixed/train_mixed{part}{ending}"] = mixed[len(mixed) * shard // shards : len(mixed) * (shard + 1) // shards]
    for dataset, rows in ROWS.items():
        files[f"processed/{dataset}/train{ending}"] = [row(dataset, number) for number in range(rows)]
    for path, rows_of in files.items():
        write(folder / path, rows_of)
    plan = [
        {
            "name": "train",
            "rows": len(mixed),
            "domains": [
                {"name": domain, "datasets": [{"name": d, "available": ROWS[d], "balanced": max(ROWS[x] for x in sets)} for d in sets]}
                for domain, sets in DOMAINS.items()
            ],
        }
    ]
    (folder / "mixed" / "info.json").write_text(json.dumps({"seed": 42, "plan": plan}))
    manifest = {
        "version": "datasetmix.manifest/v1",
        "name": name,
        "sha256": "",
        "recipe": {"seed": 42},
        "plan": {"splits": plan},
        "files": [{"path": path, "rows": len(rows_of)} for path, rows_of in files.items()],
    }
    unsigned = json.dumps(manifest, indent=2)
    digest = hashlib.sha256(unsigned.encode()).hexdigest()
    (folder / "manifest.json").write_text(unsigned.replace('"sha256": ""', f'"sha256": "{digest}"'))
    return folder

"""Mixes for the tests of this folder: rows with everything that readers stumble over, built by the program itself.

The program is the one that the environment variable DATASETMIX_PROGRAM names.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import tempfile
import time
from pathlib import Path

FORMATS = ("JSONL", "JSONLGzip", "JSONLZstd", "Parquet")
EXTENSIONS = {"JSONL": ".jsonl", "JSONLGzip": ".jsonl.gz", "JSONLZstd": ".jsonl.zst", "Parquet": ".parquet"}
# More rows of the common data set than 10 MiB, which is what a reader of JSON Lines looks at before it decides on types.
COMMON, RARE = 3_000, 12
EXPORTS = "[{name: rl, format: RL, systemPrompt: Be brief.}, {name: sft, format: SFT}, {name: text, format: Text}]"


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def originals(folder, common):
    """Two common data sets and a rare one, whose rows hold other members."""
    lines(folder / "common.jsonl", ({"q": f"What comes after {i}? " + "Think of it well. " * 250, "a": str(i + 1), "level": i % 5,
                                     "score": i / 4 if i % 3 else i, "tags": ["a", "ü"] if i % 2 else [], "odd": i % 2 == 1,
                                     "hint": None if i % 7 else "none", "never": None} for i in range(common)))
    lines(folder / "rare.jsonl", ({"q": f"Who is number {i}?", "a": "no one – «nemo»", "level": i, "parts": [{"text": "x", "start": i}],
                                   "deep": {"er": {"names": ["\u2028", "\\ \""]}, "n": [[1, 2], []]}} for i in range(RARE)))
    lines(folder / "more.jsonl", ({"q": f"Why {i}?", "a": f"because {i}", "level": -i, "parts": []} for i in range(60)))


def dataset(name, *members):
    metadata = "".join(f"\n        - {{name: {m}, value: 'row.?{m}.orValue(null)'}}" for m in members)
    return f"""    - name: {name}
      source: {{volume: {{claimName: rows, files: [{name}.jsonl]}}}}
      record:
        question: row.q
        referenceAnswer: row.a
        answerType: "'text'"
        metadata:{metadata}
"""


def manifest(name="consumers", fmt="JSONL", shares=(1, 1), shards=1, path="mix"):
    return f"""apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {{name: {name}}}
spec:
  seed: 7
  splits: [{{name: train, share: 5, size: {{policy: NoRepeat}}}}, {{name: test, share: 1, size: {{policy: NoRepeat}}}}]
  domains:
  - name: much
    share: {shares[0]}
    balance: None
    datasets:
{dataset("common", "level", "score", "tags", "odd", "hint", "never")}  - name: little
    share: {shares[1]}
    balance: None
    datasets:
{dataset("more", "level", "parts")}{dataset("rare", "level", "parts", "deep")}  output: {{volume: {{claimName: out}}, path: {path}, format: {fmt}, shards: {shards}, exports: {EXPORTS}}}
"""


def six(exports=EXPORTS):
    """The sample of six data sets, with exports."""
    sample = Path(__file__).parents[2] / "config" / "samples" / "data_v1alpha1_datasetmix_grpo_six.yaml"
    text = re.sub("\n  limits: .*", "", sample.read_text())
    return text.replace("\n    keepRevisions: 3", f"\n    path: mix\n    exports: {exports}")


PAIRED = ("dpo", "sft", "rl", "text")


def pairs(folder, fmt="JSONL", seed=7, name="pairs"):
    """A mix of preference pairs, texts and chats, whose rows lie in a folder, in every format of exports."""
    lines(folder / "pairs.jsonl", ({"prompt": f"Say {i}.", "chosen": f"It is {i}.", "rejected": "No."} for i in range(24)))
    lines(folder / "chats.jsonl", ({"chosen": [{"role": "user", "content": f"And {i}?"}, {"role": "assistant", "content": f"{i}"}],
                                    "rejected": [{"role": "user", "content": f"And {i}?"}, {"role": "assistant", "content": "Eh?"}]} for i in range(24)))
    sets = "".join(f"    - {{name: {of}, source: {{volume: {{claimName: rows, files: [{of}.jsonl]}}}}, record: {{preset: preference}}}}\n" for of in ("pairs", "chats"))
    return f"""apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {{name: {name}}}
spec:
  seed: {seed}
  splits: [{{name: train, share: 5, size: {{policy: NoRepeat}}}}, {{name: test, share: 1, size: {{policy: NoRepeat}}}}]
  domains:
  - name: taste
    share: 1
    datasets:
{sets}  output:
    volume: {{claimName: out}}
    path: mix
    format: {fmt}
    exports: [{{name: dpo, format: Preference}}, {{name: sft, format: SFT}}, {{name: rl, format: RL}}, {{name: text, format: Text}}]
"""


def one(source):
    """A mix of one data set, whose rows have q and a."""
    return f"""apiVersion: data.datasetmix.io/v1alpha1
kind: DatasetMix
metadata: {{name: one}}
spec:
  seed: 1
  splits: [{{name: train, share: 1, size: {{policy: NoRepeat}}}}]
  domains:
  - name: d
    share: 1
    datasets:
    - name: rows
      source: {json.dumps(source)}
      record: {{question: row.q, referenceAnswer: row.a, answerType: "'text'"}}
  output: {{volume: {{claimName: out}}, path: mix}}
"""


def questions(current):
    """The questions of a mix of one split, sorted."""
    return sorted(row["question"] for row in plain(current / "mixed" / "train_mixed.jsonl"))


def port():
    """A port of this machine that is free."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def running(command, at, **kw):
    """A server that listens on a port of this machine. What it says is shown where it does not start."""
    with tempfile.TemporaryFile("w+") as said:
        server = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, **kw)
        try:
            for _ in range(3000):
                if server.poll() is not None:
                    said.seek(0)
                    raise AssertionError(f"{command[0]} ended: {said.read()[-2000:]}")
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", at), timeout=1):
                    break
                time.sleep(0.1)
            else:
                raise AssertionError(f"{command[0]} does not listen on port {at}")
            yield
        finally:
            server.terminate()
            server.wait()


def real_rows():
    """The folder with the published files of the six data sets, found as internal/testing/realrows does; none where they are not."""
    folder = os.environ.get("DATASETMIX_REAL_ROWS")
    found = [Path(folder)] if folder else [file.parents[1] for file in Path(__file__).parents[3].glob("*/data/gsm8k/train.jsonl")]
    return found[0] if found else None


@contextlib.contextmanager
def hub(rows=None, scale="0.05"):
    """The address of a stand-in Hub, which the environment variable DATASETMIX_HUB names, with the six data sets: generated, or of a folder."""
    at = port()
    with running([os.environ["DATASETMIX_HUB"], "-listen", f"127.0.0.1:{at}", *(["-data", rows] if rows else ["-scale", scale])], at):
        yield f"http://127.0.0.1:{at}"


class Mixes:
    """Builds mixes in a temporary folder."""

    def __init__(self, common=COMMON):
        self.program = os.path.abspath(os.environ["DATASETMIX_PROGRAM"])
        self._temporary = tempfile.TemporaryDirectory(prefix="datasetmix-consumers-")
        self.folder = Path(self._temporary.name)
        originals(self.folder / "rows", common)

    def close(self):
        self._temporary.cleanup()

    def run(self, *arguments, **kw):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, **kw)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def build(self, data, text, *arguments, **kw):
        """Builds a mix in a folder of its own, or over what is there, and returns what is mounted."""
        file = self.folder / "mix.yaml"
        file.write_text(text)
        self.run("build", "-f", file, "--data", self.folder / data, "--claim", f"rows={self.folder / 'rows'}", *arguments, **kw)
        return self.folder / data / "mix" / "current"


def plain(path):
    """The rows of files of JSON Lines, or of the JSON Lines that another format holds."""
    name = str(path)
    if name.endswith(".parquet"):
        import pyarrow.parquet
        rows = pyarrow.parquet.read_table(name).to_pylist()
        return [{**row, "metadata": json.loads(row["metadata"])} if "metadata" in row else row for row in rows]
    content = Path(path).read_bytes()
    if name.endswith(".gz"):
        import gzip
        content = gzip.decompress(content)
    if name.endswith(".zst"):
        import zstandard
        content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return [json.loads(line) for line in content.decode().split("\n")[:-1]]


def differences(want, got, path=""):
    """Where a row that was read differs from the file's: a member that the file has not is null, and nothing else may differ."""
    if isinstance(want, dict) and isinstance(got, dict):
        for name in want.keys() | got.keys():
            if name not in want:
                if not empty(got[name]):
                    yield f"{path}.{name}: {got[name]!r} was read, and the file has none"
            elif name not in got:
                yield f"{path}.{name}: {want[name]!r} was not read"
            else:
                yield from differences(want[name], got[name], f"{path}.{name}")
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            yield f"{path}: {got!r} was read, and the file has {want!r}"
        for i, (w, g) in enumerate(zip(want, got)):
            yield from differences(w, g, f"{path}[{i}]")
    elif want != got or isinstance(want, (bool, str)) != isinstance(got, (bool, str)):
        yield f"{path}: {got!r} was read, and the file has {want!r}"


def empty(value):
    return value is None or isinstance(value, dict) and all(map(empty, value.values()))

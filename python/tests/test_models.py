"""The whole way with real parts and a small random model: the commands of docs/training.md build a mix, train by GRPO and evaluate.

Then the trained model is asked once more, from its folder and behind the server of transformers, killed at three places each time.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import mixes
from datasetmix import __main__ as program

PACKAGE = Path(program.__file__).parents[1]
GUIDE = (mixes.ROOT / "docs" / "training.md").read_text(encoding="utf-8").partition("\n## A whole example\n")[2]
LIMIT, DATASETS = 8, 3

for name in ("torch", "transformers", "trl", "datasets"):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed: no real model is trained or asked; make training installs it", allow_module_level=True)


# A random model is never right. So that something is learned, its answers are rewarded for their length, too.
WORDY = "def wordy(completions, **_): return [float(len(completion[-1]['content'])) for completion in completions]\n\n\n"


def environment(folder: Path) -> dict[str, str]:
    """The variables of a process that finds this package and this Python, caches in a folder of the test, and uses no network."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "huggingface"), "TOKENIZERS_PARALLELISM": "false"}
    return {**os.environ, **offline, "PATH": path, "PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"}


def ran(line: list[str], folder: Path) -> str:
    """What a command prints, which ends well."""
    run = subprocess.run(line, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the commands of the guide were run, with a small model in place of the one that it names."""
    if not mixes.PROGRAM.exists():
        pytest.skip(f"{mixes.PROGRAM} is not built: make build")
    folder = tmp_path_factory.mktemp("whole")
    ran([sys.executable, str(Path(__file__).with_name("tinymodel.py")), "tiny"], folder)
    script, commands = (re.findall(rf"^```{kind}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL) for kind in ("python", "sh"))
    text, named = re.subn(r"Qwen/[\w.-]+", "tiny", script[0])
    text, rewarded = re.subn(r"reward_funcs=(rewards\.reward)", r"reward_funcs=[\1, wordy]", text)
    assert (named, rewarded) == (1, 1)
    (folder / "train.py").write_text(WORDY + text, encoding="utf-8")
    text = "\n".join(commands).replace("bin/kubectl-datasetmix", str(mixes.PROGRAM))
    ran(["bash", "-euc", re.sub(r"(evaluate .*)", rf"\1 --limit {LIMIT} --max-tokens 12", text)], folder)
    return folder


def test_the_guide_trains_and_evaluates(whole: Path) -> None:
    """Two steps of GRPO with the scorer of the revision, after which the weights are others, and results of the checkpoint."""
    state = json.loads((whole / "checkpoints/checkpoint-2/trainer_state.json").read_bytes())
    assert state["global_step"] == 2
    assert "rewards/reward/mean" in state["log_history"][0]
    assert state["log_history"][0]["rewards/wordy/mean"] > 0
    safetensors = importlib.import_module("safetensors.numpy")
    before, after = (safetensors.load_file(whole / folder / "model.safetensors") for folder in ("tiny", "checkpoints/checkpoint-2"))
    assert before.keys() == after.keys()
    assert any((before[name] != after[name]).any() for name in before)
    (found,) = (json.loads(path.read_bytes()) for path in whole.glob("evaluation/*/results.json"))
    assert {name: of["rows"] for name, of in found["datasets"].items()} == dict.fromkeys(("arithmetic", "capitals", "functions"), LIMIT)
    assert all(of["tokens"]["completion"] > 0 for of in found["datasets"].values())
    assert "sandbox" in found["datasets"]["functions"]["scorer"][0]


@pytest.fixture
def server(whole: Path) -> Iterator[str]:
    """The address of the server of transformers, which has the checkpoint."""
    for name in ("fastapi", "uvicorn"):
        pytest.importorskip(name, reason="the server of transformers is not installed: pip install 'transformers[serving]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = "from transformers.cli.transformers import main; main()"
    checkpoint = str(whole / "checkpoints/checkpoint-2")
    line = [sys.executable, "-c", start, "serve", checkpoint, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with (whole / "server.log").open("wb") as log:
        process = subprocess.Popen(line, env=environment(whole), stdout=log, stderr=log)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (whole / "server.log").read_text()
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def killed_and_whole(whole: Path, tmp_path: Path, *arguments: object) -> None:
    """Runs an evaluation as a whole, and once more, killed at three places; both have the same rows, and nothing is asked twice."""
    data = whole / "data/first-mix/current"
    line = [sys.executable, "-m", "datasetmix", "evaluate", "--data", str(data), *map(str, arguments)]
    line += ["--limit", str(LIMIT), "--max-tokens", "12"]

    def start(name: str) -> subprocess.Popen[bytes]:
        output = ["--output", str(tmp_path / name)]
        return subprocess.Popen([*line, *output], env=environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def finish(name: str) -> tuple[bytes, object]:
        said = start(name).communicate(timeout=1200)[1].decode()
        assert (tmp_path / name / "results.json").is_file(), said
        found = json.loads((tmp_path / name / "results.json").read_bytes())
        values = {name: (of["value"], of["interval"], of["rows"]) for name, of in found["datasets"].items()}
        return (tmp_path / name / "rows.jsonl").read_bytes(), (values, found["mix"])

    straight = finish("straight")
    assert len(straight[0].splitlines()) == LIMIT * DATASETS
    journal = tmp_path / "killed" / "journal.jsonl"
    for count in (3, 9, 17):
        process = start("killed")
        while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") > count):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (tmp_path / "killed" / "results.json").exists()
    assert finish("killed") == straight
    answered = [json.loads(row)["id"] for row in journal.read_bytes().splitlines()[1:] if b'"answer"' in row]
    assert len(answered) == len(set(answered)) == LIMIT * DATASETS


def test_a_checkpoint(whole: Path, tmp_path: Path) -> None:
    checkpoint = whole / "checkpoints/checkpoint-2"
    killed_and_whole(whole, tmp_path, "--checkpoint", checkpoint, "--model", "tiny", "--batch-size", 4, "--temperature", 0.9)


def test_the_server_of_transformers(server: str, whole: Path, tmp_path: Path) -> None:
    killed_and_whole(whole, tmp_path, "--base-url", server, "--model", whole / "checkpoints/checkpoint-2", "--concurrency", 1)


def test_the_options_of_the_strategy(whole: Path, tmp_path: Path) -> None:
    """`--model NAME --checkpoint DIR` alone, where the mix is in ./data."""
    (tmp_path / "data").symlink_to(whole / "data/first-mix/current")
    line = [sys.executable, "-m", "datasetmix", "evaluate", "--model", "qwen25-7b", "--checkpoint", str(whole / "tiny")]
    ran([*line, "--max-tokens", "4", "--limit", "1"], tmp_path)
    found = json.loads((tmp_path / "evaluation" / "qwen25-7b" / "results.json").read_bytes())
    assert found["datasets"]["arithmetic"]["rows"] == 1
    assert found["datasets"]["arithmetic"]["tokens"]["completion"] > 0

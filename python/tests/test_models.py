"""An evaluation of a real model, small and random: from its folder, and behind the server of transformers; killed at three places."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import testsets

from datasetmix import __main__ as program

COUNTS = {"sums": 4, "algebra": 4, "spans": 4, "hops": 4}
PACKAGE = Path(program.__file__).parents[1]
OFFLINE = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(PACKAGE)}

torch = pytest.importorskip("torch", reason="torch is not installed: no real model is asked")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: no real model is asked")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Llama of one layer, with a tokenizer of bytes and a chat template."""
    tokenizers = pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("model")
    raw = tokenizers.Tokenizer(tokenizers.models.BPE())
    raw.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = tokenizers.decoders.ByteLevel()
    letters = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=300, special_tokens=["<pad>", "<eos>"], initial_alphabet=letters)
    raw.train_from_iterator(["What is it?"], trainer)
    names = ["input_ids", "attention_mask"]
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", model_input_names=names)
    tokenizer.chat_template = "{% for m in messages %}{{m['role']}}: {{m['content']}}\n{% endfor %}assistant: "
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2}
    config = transformers.LlamaConfig(vocab_size=len(tokenizer), eos_token_id=1, pad_token_id=0, bos_token_id=None, **sizes)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def server(model: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the server of transformers."""
    pytest.importorskip("fastapi", reason="the server of transformers is not installed: pip install 'transformers[serving]'")
    pytest.importorskip("uvicorn")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = "from transformers.cli.transformers import main; main()"
    line = [sys.executable, "-c", start, "serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(line, env=OFFLINE, stdout=log, stderr=log)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (tmp_path / "server.log").read_text()
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def killed_and_whole(tmp_path: Path, *arguments: object) -> None:
    """Runs an evaluation as a whole, and once more, killed at three places; both have the same rows, and nothing is asked twice."""
    data = testsets.revision(tmp_path / "data", COUNTS)
    line = [sys.executable, "-m", "datasetmix", "evaluate", "--data", str(data), *map(str, arguments), "--max-tokens", "12"]

    def start(name: str) -> subprocess.Popen[bytes]:
        output = ["--output", str(tmp_path / name)]
        return subprocess.Popen([*line, *output], env=OFFLINE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def finish(name: str) -> bytes:
        said = start(name).communicate(timeout=600)[1]
        return (tmp_path / name / "rows.jsonl").read_bytes() if (tmp_path / name / "results.json").is_file() else said

    whole = finish("whole")
    assert len(whole.splitlines()) == sum(COUNTS.values()), whole.decode()
    journal = tmp_path / "killed" / "journal.jsonl"
    for count in (3, 8, 14):
        process = start("killed")
        while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") > count):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert finish("killed") == whole
    answered = [json.loads(row)["id"] for row in journal.read_bytes().splitlines()[1:] if b'"answer"' in row]
    assert sorted(answered) == sorted(row["id"] for row in testsets.rows(COUNTS))


def test_a_checkpoint(model: Path, tmp_path: Path) -> None:
    killed_and_whole(tmp_path, "--checkpoint", model, "--model", "tiny", "--batch-size", 4, "--temperature", 0.9)


def test_the_options_of_the_strategy(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--model NAME --checkpoint DIR` alone, where the mix is in ./data."""
    testsets.revision(tmp_path / "data", {"sums": 2})
    monkeypatch.chdir(tmp_path)
    assert program.main(["evaluate", "--model", "qwen25-7b", "--checkpoint", str(model), "--max-tokens", "4"]) == 0
    found = json.loads((tmp_path / "evaluation" / "qwen25-7b" / "results.json").read_bytes())
    assert found["datasets"]["sums"]["rows"] == 2
    assert found["datasets"]["sums"]["tokens"]["completion"] > 0


def test_the_server_of_transformers(server: str, model: Path, tmp_path: Path) -> None:
    killed_and_whole(tmp_path, "--base-url", server, "--model", model, "--concurrency", 1)

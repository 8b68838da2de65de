"""A small revision with test rows of every kind, and a server of the wire that answers about them."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PRESETS = {"sums": "gsm8k", "algebra": "math", "spans": "squad2", "hops": "hotpotqa", "completions": "humaneval", "functions": "mbpp"}
DOMAINS = {"math": ["sums", "algebra"], "qa": ["spans", "hops"], "code": ["completions", "functions"]}
SHARES = {"math": 4, "qa": 3, "code": 3}


def _row(dataset: str, n: int) -> dict[str, Any]:
    domain = next(name for name, datasets in DOMAINS.items() if dataset in datasets)
    metadata: dict[str, Any] = {"source": dataset, "original_id": f"{dataset}/{n}"}
    question, answer, kind = f"What is {n} + 1?", str(n + 1), "numeric"
    if dataset == "algebra":
        question, answer, kind = f"Simplify $\\frac{{{2 * n + 2}}}{{4}}$.", f"\\frac{{{n + 1}}}{{2}}", "text"
    elif dataset == "spans":
        answer = "unanswerable" if n % 2 else f"the tower {n}"
        question, kind = f"The tower {n} is high.\n\nWhat is high, in {n}?", "text"
        metadata |= {"is_impossible": "true" if n % 2 else "false", "answers": [] if n % 2 else [answer, f"Tower {n}"]}
    elif dataset == "hops":
        question, answer, kind = f"Is {n} even?", "no" if n % 2 else "yes", "text"
    elif dataset == "completions":
        question, answer, kind = f'def add{n}(x):\n    """Adds {n}."""\n', f"    return x + {n}\n", "code"
        metadata |= {"test": f"def check(candidate):\n    assert candidate(1) == {n + 1}\n", "entry_point": f"add{n}"}
    elif dataset == "functions":
        question, answer, kind = f"Write a function that adds {n}.", f"def plus{n}(x):\n    return x + {n}\n", "code"
        metadata["test_list"] = [f"assert plus{n}(1) == {n + 1}", f"assert plus{n}(0) == {n}"]
    row = {"id": f"{dataset}_{n}", "dataset": dataset, "domain": domain, "question": question, "reference_answer": answer}
    return {**row, "answer_type": kind, "metadata": metadata}


def rows(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [_row(dataset, n) for dataset in PRESETS for n in range(counts.get(dataset, 0))]


def revision(folder: Path, counts: dict[str, int]) -> Path:
    """Writes a revision's test/ and manifest.json."""
    (folder / "test").mkdir(parents=True)
    found = rows(counts)
    index = {name: f"test/{name}_test.jsonl" for name in PRESETS if counts.get(name)}
    for name, path in index.items():
        (folder / path).write_text("".join(json.dumps(row) + "\n" for row in found if row["dataset"] == name))
    (folder / "test" / "test_index.json").write_text(json.dumps(index))
    domains = [{"name": d, "datasets": [{"name": n, "record": {"preset": PRESETS[n]}} for n in names]} for d, names in DOMAINS.items()]
    planned = [
        {"name": d, "rows": 10 * SHARES[d], "datasets": [{"name": n, "rows": 5 * SHARES[d]} for n in names]} for d, names in DOMAINS.items()
    ]
    manifest = {"name": "six", "sha256": "", "recipe": {"domains": domains}, "plan": {"splits": [{"name": "test", "domains": planned}]}}
    manifest["sha256"] = hashlib.sha256(json.dumps(manifest).encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def right_answer(row: dict[str, Any]) -> str:
    """An answer to a row, as a model would give it."""
    answer = row["reference_answer"]
    if row["dataset"] in ("sums", "algebra"):
        return f"Let us see. \\boxed{{{answer}}}"
    return f"```python\n{answer}```" if row["dataset"] == "functions" else answer


@dataclass
class Server:
    """What a server was asked, and how it behaves. asked: how often each prompt and seed."""

    url: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    stream: bool = False
    delay: float = 0.0
    keys: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    draw: random.Random = field(default_factory=lambda: random.Random(7))


@contextmanager
def serving(known: list[dict[str, Any]], wrong: int = 4) -> Iterator[Server]:
    """A server of chats and completions, which answers one of so many rows wrongly, always the same ones."""
    state = Server()
    for n, row in enumerate(known):
        state.answers[row["question"]] = "I lost count." if n % wrong == 0 else right_answer(row)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
            key = (prompt, body["seed"])
            with state.lock:
                state.asked[key] += 1
                state.keys.add(self.headers.get("Authorization", ""))
                state.at_once += 1
                state.most_at_once = max(state.most_at_once, state.at_once)
                failure = state.failures.pop(0) if state.failures else 0
            threading.Event().wait(state.delay)
            with state.lock:
                state.at_once -= 1
            if failure:
                self._send(failure, "application/json", b'{"error": "not now"}')
                return
            text = next((a for q, a in state.answers.items() if prompt.startswith(q)), "?")
            with state.lock:
                state.answered[key] += 1
            if state.stream:
                pieces = [{"choices": [{"delta": {"content": c}}]} for c in text] + [{"choices": [{"delta": {}, "finish_reason": "stop"}]}]
                lines = b"".join(b"data: " + json.dumps(piece).encode() + b"\n\n" for piece in pieces) + b"data: [DONE]\n\n"
                self._send(200, "text/event-stream", lines)
                return
            choice = {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
            told = {
                "choices": [{**choice, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": len(prompt.split()), "completion_tokens": 7},
            }
            self._send(200, "application/json", json.dumps(told).encode())

        def _send(self, code: int, kind: str, content: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

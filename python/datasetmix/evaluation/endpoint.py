"""Asks a model behind an OpenAI-compatible server, such as vLLM, SGLang, llama.cpp, `transformers serve`, or a service."""

from __future__ import annotations

import email.utils
import http.client
import json
import os
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datasetmix.evaluation.journal import Answer

__all__ = ["Endpoint", "EndpointError", "Sampling"]

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_MAX_WAIT = 60.0
_MAX_BODY = 64 << 20
_DEAD = (urllib.error.URLError, http.client.HTTPException, OSError)  # nobody answers, or in the middle not any more


class EndpointError(RuntimeError):
    """The server can answer no question at all."""


@dataclass(frozen=True)
class Sampling:
    """How a model draws its answers. temperature 0 takes the most probable token each time. seed: of the run; each sample has its own."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 2048
    seed: int = 0


class Endpoint:
    """A server, asked by several threads."""

    def __init__(
        self,
        base_url: str,
        model: str,
        sampling: Sampling,
        *,
        plain: bool = False,
        retries: int = 8,
        timeout: float = 600.0,
        per_minute: float | None = None,
        key_variable: str = "OPENAI_API_KEY",
    ) -> None:
        """Takes a server and how it is asked.

        base_url: up to /v1. plain: texts are continued (/completions), not chats answered. retries: of one request, with a growing pause;
        what the server says of when to come again is heeded. per_minute: requests. key_variable: of the environment, holds the key.
        """
        if urllib.parse.urlsplit(base_url).scheme not in ("http", "https"):
            raise ValueError(f"--base-url is the address of a server, such as http://localhost:8000/v1; this is {base_url!r}")
        self.url = base_url.rstrip("/") + ("/completions" if plain else "/chat/completions")
        self.model, self.sampling, self.plain = model, sampling, plain
        self.retries, self.timeout = retries, timeout
        self._key = os.environ.get(key_variable, "")
        self._pace = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def ask(self, prompt: str, sample: int) -> Answer:
        """What the model says to a prompt. A prompt that the server refuses, such as one that is too long, is an answer with an error.

        Errors: EndpointError where the server refuses every question, or does not answer after all retries.
        """
        body: dict[str, Any] = {"model": self.model, "temperature": self.sampling.temperature, "max_tokens": self.sampling.max_tokens}
        body |= {"top_p": self.sampling.top_p, "seed": self.sampling.seed + sample, "stream": False}
        body |= {"prompt": prompt} if self.plain else {"messages": [{"role": "user", "content": prompt}]}
        begin = time.monotonic()
        for tried in range(self.retries + 1):
            self._wait_turn()
            try:
                return _answer(self._post(body), time.monotonic() - begin)
            except urllib.error.HTTPError as error:
                said = error.read(2000).decode("utf-8", "replace").strip()
                if error.code in (400, 413, 422):
                    return Answer("", seconds=time.monotonic() - begin, error=f"the server refuses it ({error.code}): {said[:300]}")
                if error.code not in _AGAIN or tried == self.retries:
                    raise EndpointError(f"{self.url} answers {error.code}: {said[:300]}") from error
                self._hold(_pause(tried, error.headers.get("Retry-After")))
            except (*_DEAD, ValueError) as error:
                if tried == self.retries:
                    raise EndpointError(f"{self.url} does not answer: {error}") from error
                self._hold(_pause(tried, None))
        raise AssertionError("the last try returns or raises")

    def _post(self, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "datasetmix"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self.url, json.dumps(body).encode("ascii"), headers)  # noqa: S310 (http or https, see __init__)
        with urllib.request.urlopen(request, timeout=self.timeout) as response:  # noqa: S310
            content = response.read(_MAX_BODY)
            if response.headers.get_content_type() == "text/event-stream":
                return _joined(content)
        value = json.loads(content)
        if not isinstance(value, dict):
            raise ValueError("the answer is no JSON object")
        return value

    def _wait_turn(self) -> None:
        """Waits for the time of the next request, which is later where requests are counted, or where the server asked for a pause."""
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._pace
        time.sleep(max(0.0, turn - now))

    def _hold(self, seconds: float) -> None:
        """Makes everyone wait."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


def _pause(tried: int, asked: str | None) -> float:
    """Seconds until the next try: what the server asks for, else a growing span of which a random part is taken."""
    if asked:
        try:
            return min(float(asked), 10 * _MAX_WAIT)
        except ValueError:
            until = email.utils.parsedate_to_datetime(asked) if email.utils.parsedate(asked) else None
            if until is not None:
                return min(max(0.0, until.timestamp() - time.time()), 10 * _MAX_WAIT)
    return float(min(_MAX_WAIT, 0.5 * 2.0**tried)) * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)


def _joined(stream: bytes) -> dict[str, Any]:
    """The whole answer of a server that only sends it in pieces."""
    text: list[str] = []
    usage: dict[str, Any] = {}
    finish = ""
    for line in stream.decode("utf-8", "replace").splitlines():
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            continue
        piece = json.loads(data)
        usage = piece.get("usage") or usage
        for choice in piece.get("choices") or ():
            text.append((choice.get("delta") or {}).get("content") or choice.get("text") or "")
            finish = choice.get("finish_reason") or finish
    return {"choices": [{"message": {"content": "".join(text)}, "finish_reason": finish}], "usage": usage}


def _answer(told: Mapping[str, Any], seconds: float) -> Answer:
    choices = told.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise ValueError(f"the answer has no choices: {told!r:.200}")
    choice = choices[0]
    text = (choice.get("message") or {}).get("content") if "message" in choice else choice.get("text")
    usage = told.get("usage") or {}
    counts = [int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")]
    return Answer(str(text or ""), counts[0], counts[1], round(seconds, 3), str(choice.get("finish_reason") or ""))

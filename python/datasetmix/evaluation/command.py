"""The commands `evaluate` and `compare`."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasetmix import rewards
from datasetmix.evaluation import compare as comparing
from datasetmix.evaluation import output, results, runner
from datasetmix.evaluation.checkpoint import Checkpoint
from datasetmix.evaluation.endpoint import Endpoint, EndpointError, Sampling
from datasetmix.evaluation.journal import Journal
from datasetmix.evaluation.mathverify import MathVerify
from datasetmix.evaluation.predictions import Predictions, read_predictions
from datasetmix.evaluation.progress import Progress
from datasetmix.evaluation.scoring import Scorer
from datasetmix.evaluation.testset import TestSet
from datasetmix.sandbox import Limits, NotIsolatedError, Sandbox

__all__ = ["add_commands"]

VERSION = "datasetmix.evaluation/v1"
"""The form of results.json."""

_TRUST = {"full": "isolated", "container": "container", "none": "anything"}


def add_commands(commands: Any) -> None:
    """Adds the commands to those of `python -m datasetmix`."""
    command = commands.add_parser("evaluate", help="ask a model about the test rows of a revision, and score its answers")
    command.set_defaults(run=evaluate)
    asked = command.add_argument_group("what is asked").add_mutually_exclusive_group(required=True)
    asked.add_argument("--base-url", metavar="URL", help="an OpenAI-compatible server, up to /v1")
    asked.add_argument("--checkpoint", metavar="DIR", help="a model of transformers, in this process")
    asked.add_argument(
        "--predictions", metavar="FILE", help="answers that are there: ours, lm-eval's, HumanEval's, SQuAD's, HotpotQA's, verl's"
    )
    command.add_argument("--model", default="", help="the name of the model: for the server, and in the results")
    command.add_argument("--data", default="", metavar="DIR", help="a revision; by default ./data, or this folder")
    command.add_argument("--datasets", default="", metavar="A,B", help="of the test rows, those of these data sets")
    command.add_argument("--limit", type=_positive, metavar="N", help="the first N rows of each data set, which are a fair sample")
    command.add_argument("--output", default="", metavar="DIR", help="the folder of the run; by default evaluation/<model>")
    how = command.add_argument_group("how the model is asked")
    how.add_argument("--samples", type=_positive, metavar="K", help="answers for each row, for pass@k; by default 1")
    how.add_argument("--temperature", type=float, help="by default 0, and 0.8 for several samples")
    how.add_argument("--top-p", type=float, default=1.0)
    how.add_argument("--max-tokens", type=_positive, default=2048, metavar="N")
    how.add_argument("--seed", type=int, default=0)
    how.add_argument("--plain", action="store_true", help="continue the question, without instruction or chat: for base models")
    how.add_argument("--concurrency", type=_positive, default=16, metavar="N", help="questions at a time, to a server")
    how.add_argument("--retries", type=int, default=8, metavar="N")
    how.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS", help="for one answer of a server")
    how.add_argument("--requests-per-minute", type=float, metavar="N")
    how.add_argument("--api-key-env", default="OPENAI_API_KEY", metavar="NAME", help="the environment variable with the server's key")
    how.add_argument("--batch-size", type=_positive, default=16, metavar="N", help="questions at a time, to a checkpoint")
    how.add_argument("--device", default="", help="for a checkpoint, such as cuda or cpu")
    judged = command.add_argument_group("how answers are scored")
    judged.add_argument("--isolation", choices=_TRUST, default="full", help="container, none: run programs without complete isolation")
    judged.add_argument("--code-seconds", type=float, default=Limits.seconds, metavar="SECONDS", help="for one program, with its start")
    judged.add_argument("--sandboxes", type=int, default=0, metavar="N", help="programs at a time; by default one for each CPU")
    judged.add_argument("--math-verify", action="store_true", help="score formulas by math_verify")
    judged.add_argument("--missing", choices=("wrong", "skip"), default="wrong", help="what rows without a prediction are")
    second = commands.add_parser("compare", help="compare two evaluations row by row")
    second.set_defaults(run=compare)
    second.add_argument("a", metavar="A", help="the folder of a run")
    second.add_argument("b", metavar="B", help="the folder of another")
    second.add_argument("--json", action="store_true", help="print JSON")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("it is at least 1")
    return value


def compare(options: argparse.Namespace) -> int:
    """Runs `compare`."""
    found = comparing.compare(options.a, options.b)
    print(json.dumps(found, indent=2) if options.json else comparing.table(found))
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Runs `evaluate`."""
    begin = time.monotonic()
    test = TestSet(options.data or ("data" if Path("data").is_dir() else "."), filter(None, options.datasets.split(",")), options.limit)
    predictions = read_predictions(options.predictions, test.rows) if options.predictions else None
    samples = options.samples or max(map(len, predictions.answers.values()), default=1) if predictions else options.samples or 1
    run = _header(options, test, predictions, samples)
    folder = Path(options.output or Path("evaluation") / re.sub(r"[^\w.-]+", "-", run["model"]).strip("-."))
    with contextlib.ExitStack() as stack:
        box = _sandbox(options) if any(row.label.scorer == "code" for row in test.rows) else None
        math_verify = stack.enter_context(contextlib.closing(MathVerify())) if options.math_verify else None
        journal = stack.enter_context(Journal(folder / "journal.jsonl", run))
        work = runner.work_of(test.rows, samples)
        if predictions is not None:
            _say_predictions(predictions, test)
            runner.take_predictions(test.rows, predictions.answers, journal, options.missing == "skip")
        else:
            _ask(options, run, work, journal)
        here = [of for of in work if of.key in journal.answers]
        progress = Progress("scored", len(here), sum(of.key in journal.scores for of in here))
        with contextlib.closing(progress):
            runner.score_all(work, journal, Scorer(box, math_verify), options.sandboxes, progress)
        found = {"version": VERSION, "run": run, **results.results_of(test, journal.answers, journal.scores, samples)}
        found["seconds"] = round(time.monotonic() - begin, 3)
        _write(folder, found, results.row_lines(test.rows, journal.answers, journal.scores, samples), test)
    print(output.table(found))
    print(f"\n{folder}: results.json, results.html, rows.jsonl")
    return 0


def _header(options: argparse.Namespace, test: TestSet, predictions: Predictions | None, samples: int) -> dict[str, Any]:
    """What the run is: everything that another answer or score may depend on."""
    if options.base_url and not options.model:
        raise ValueError("--base-url needs the name of the model that the server is asked for: --model NAME")
    named = options.model or Path(options.checkpoint or options.predictions).name
    temperature = options.temperature if options.temperature is not None else 0.0 if samples == 1 else 0.8
    run: dict[str, Any] = {"model": named, "mix": test.name, "revision": test.digest, "datasets": test.datasets, "limit": options.limit}
    run |= {"samples": samples, "scorer": f"datasetmix {rewards.VERSION}" + (" with math_verify" if options.math_verify else "")}
    if predictions is not None:
        content = Path(options.predictions).read_bytes()
        run |= {"predictions": hashlib.sha256(content).hexdigest(), "form": predictions.form, "missing": options.missing}
        return run
    run |= {
        "temperature": temperature,
        "top_p": options.top_p,
        "max_tokens": options.max_tokens,
        "seed": options.seed,
        "plain": options.plain,
    }
    if options.checkpoint:
        return run | {"checkpoint": os.path.abspath(options.checkpoint), "batch_size": options.batch_size}
    return run


def _sandbox(options: argparse.Namespace) -> Sandbox:
    try:
        box = Sandbox(Limits(seconds=options.code_seconds), _TRUST[options.isolation])  # type: ignore[arg-type]
    except NotIsolatedError as error:
        raise NotIsolatedError(
            f"{error}. Run it on Linux 5.13 or newer, or in a container that holds nothing of worth and say --isolation container, or leave"
            " data sets of code out by --datasets"
        ) from error
    print(f"programs are isolated by: {box.isolation}", file=sys.stderr)
    return box


def _say_predictions(predictions: Predictions, test: TestSet) -> None:
    missing = len(test.rows) - len(predictions.answers)
    print(
        f"predictions of the form of {predictions.form}: {len(predictions.answers)} rows have some, {missing} have none,"
        f" {predictions.unmatched} answer no row",
        file=sys.stderr,
    )


def _ask(options: argparse.Namespace, run: Mapping[str, Any], work: Sequence[runner.Work], journal: Journal) -> None:
    sampling = Sampling(run["temperature"], run["top_p"], run["max_tokens"], run["seed"])
    done = sum(of.key in journal.answers for of in work)
    if done:
        print(f"{done} of {len(work)} questions are answered already", file=sys.stderr)
    if done == len(work):
        return
    progress = Progress("asked", len(work), done)
    with contextlib.closing(progress):
        if options.checkpoint:
            model = Checkpoint(options.checkpoint, sampling, plain=options.plain, device=options.device)
            runner.ask_checkpoint(work, model, journal, options.batch_size, progress)
            return
        endpoint = Endpoint(
            options.base_url,
            run["model"],
            sampling,
            plain=options.plain,
            retries=options.retries,
            timeout=options.timeout,
            per_minute=options.requests_per_minute,
            key_variable=options.api_key_env,
        )
        runner.ask_endpoint(work, endpoint, journal, options.concurrency, progress)


def _write(folder: Path, found: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], test: TestSet) -> None:
    """Writes the files of a run, each whole or not at all; results.json comes last."""
    questions = {row.id: (row.question, row.label.answer) for row in test.rows}
    contents = {
        "rows.jsonl": "".join(json.dumps(line) + "\n" for line in lines),
        "results.html": output.page(found, lines, questions),
        "results.json": json.dumps(found, indent=2) + "\n",
    }
    for name, content in contents.items():
        path = folder / f".{name}"
        path.write_text(content, encoding="utf-8")
        path.replace(folder / name)


ERRORS = (EndpointError, NotIsolatedError, OSError, ValueError, ImportError)
"""What a command says in one sentence."""

#!/usr/bin/env python3
"""The mix in plain Python, as one writes it without a tool: pipeline.py ORIGINALS OUT.

Reads <data set>.jsonl of six data sets, brings the rows into one form, divides them 5:1, balances within a domain by
repeating, mixes the domains 4:3:3, and writes raw/, processed/, mixed/ and test/. It proves nothing and syncs nothing.
"""
import json
import pathlib
import random
import sys


def braces(solution):
    """What the last \\boxed{...} holds."""
    start = solution.rindex("\\boxed{") + len("\\boxed{")
    open_braces = 1
    for end in range(start, len(solution)):
        if solution[end] == "{":
            open_braces += 1
        elif solution[end] == "}":
            open_braces -= 1
            if not open_braces:
                return solution[start:end]
    return solution[start:]


# data set: its domain, and question, answer and answer type of a row
FORMS = {
    "gsm8k": ("math", lambda r: (r["question"], r["answer"].rpartition("####")[2].strip().replace(",", ""), "numeric")),
    "math": ("math", lambda r: (r["problem"], braces(r["solution"]), "text")),
    "squad2": ("qa", lambda r: (r["context"] + "\n\n" + r["question"], next(iter(r["answers"]["text"]), "unanswerable"), "text")),
    "hotpotqa": ("qa", lambda r: (r["question"], r["answer"], "text")),
    "humaneval": ("code", lambda r: (r["prompt"], r["canonical_solution"], "code")),
    "mbpp": ("code", lambda r: (r["prompt"] + "\n\nYour code should pass these tests:\n\n" + "\n".join(r["test_list"]), r["code"], "code")),
}
SHARES = {"math": 4, "qa": 3, "code": 3}


def main(originals, out):
    rng = random.Random(42)

    def save(rows, *place):
        path = out.joinpath(*place)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    sides = {"train": {domain: [] for domain in SHARES}, "test": {domain: [] for domain in SHARES}}
    for name, (domain, form) in FORMS.items():
        rows = []
        with (originals / f"{name}.jsonl").open() as file:
            for number, line in enumerate(file):
                question, answer, kind = form(json.loads(line))
                rows.append({
                    "id": f"{name}_{number}", "dataset": name, "domain": domain, "question": question,
                    "reference_answer": answer, "answer_type": kind,
                    "metadata": {"source": name, "original_id": str(number)},
                })
        save(rows, "raw", domain, f"{name}.jsonl")
        rng.shuffle(rows)
        cut = round(len(rows) / 6)
        for side, part in ("test", rows[:cut]), ("train", rows[cut:]):
            sides[side][domain].append(part)
            save(part, "processed", name, f"{side}.jsonl")
        save(rows[:cut], "test", f"{name}_test.jsonl")

    info = {}
    for side, domains in sides.items():
        total = sum(len(part) for parts in domains.values() for part in parts)
        mixed = []
        for domain, parts in domains.items():
            most = max(len(part) for part in parts)
            pool = [row for part in parts for row in (part if len(part) == most else rng.choices(part, k=most))]
            want = round(total * SHARES[domain] / sum(SHARES.values()))
            mixed += rng.sample(pool, want) if want <= len(pool) else rng.choices(pool, k=want)
            info[f"{side}_{domain}"] = want
        rng.shuffle(mixed)
        save(mixed, "mixed", f"{side}_mixed.jsonl")
    (out / "mixed" / "info.json").write_text(json.dumps(info))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))

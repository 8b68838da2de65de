"""What the DataManager promises: of small mixes for every format, and of the real rows."""

import copy
import json
import pickle
import random
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import mixes
from datasetmix import DataManager

RATIOS = {"math": 0.4, "qa": 0.3, "code": 0.3}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mixes.made(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mixes.build(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def some(request: pytest.FixtureRequest) -> Path:
    """The real rows where they are, else the small mix."""
    try:
        found = request.getfixturevalue("real")
    except pytest.skip.Exception:
        found = request.getfixturevalue("made")
    assert isinstance(found, Path)
    return found


def ids(rows: Any) -> list[str]:
    return [row["id"] for row in rows]


def published(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_bytes().splitlines()]


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet"])
@pytest.mark.parametrize("shards", [1, 3])
def test_every_format_gives_the_same_rows(ending: str, shards: int, made: Path, tmp_path: Path) -> None:
    other = mixes.made(tmp_path, ending, shards)
    assert list(DataManager(other)) == published(made, "mixed/train_mixed.jsonl")
    for index in (-1, 0, 7, 200):
        assert DataManager(other)[index] == DataManager(made)[index]
    assert DataManager(other, RATIOS).get_batch(800) == DataManager(made, RATIOS).get_batch(800)


@pytest.mark.parametrize("output", [{"format": "JSONLZstd", "shards": 2}, {"format": "JSONLGzip"}, {"format": "Parquet"}])
def test_every_published_format_gives_the_same_rows(output: dict[str, object], real: Path, tmp_path: Path) -> None:
    other = mixes.build(tmp_path, **output)
    plain = real if "shards" not in output else mixes.build(tmp_path / "plain", shards=output["shards"])
    files = sorted((plain / "mixed").glob("test_mixed*.jsonl"))
    assert list(DataManager(other, split="test")) == [row for file in files for row in published(plain, f"mixed/{file.name}")]
    assert DataManager(other, RATIOS, "test").get_batch(500) == DataManager(real, RATIOS, "test").get_batch(500)


def test_a_revision_is_found_by_every_name(made: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(made)
    (tmp_path / "mounted").symlink_to(made / "mixed")
    want = ids(DataManager(made))
    for name in (made / "mixed", str(made), tmp_path / "current", tmp_path / "current" / "mixed", tmp_path / "mounted"):
        assert ids(DataManager(name)) == want


def test_the_mixed_folder_alone(made: Path, tmp_path: Path) -> None:
    for file in (made / "mixed").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert ids(DataManager(tmp_path)) == ids(DataManager(made))
    with pytest.raises(FileNotFoundError, match="Mount the whole revision"):
        DataManager(tmp_path, RATIOS)


def test_every_prefix_and_window_holds_the_ratio(some: Path) -> None:
    """Twenty random ratios, counted over every prefix, and over every window of one, two and three whole units."""
    choice = random.Random(16)
    for number in range(20):
        parts = {name: choice.randint(1, 30) for name in ("math", "qa", "code")}
        ratios: dict[str, Any] = dict(parts) if number % 2 else {name: part / 100 for name, part in parts.items()}
        if number == 7:
            ratios["code"] = 0
        manager = DataManager(some, ratios, "train" if number < 4 else manager_split(some))
        assert manager.ratios is not None
        shares, period = manager.ratios, manager.period
        counts = [dict.fromkeys(shares, 0)]
        for row in manager.get_batch(len(manager) + 3 * period):
            counts.append({name: n + (name == row["domain"]) for name, n in counts[-1].items()})
        for position, given in enumerate(counts):
            assert all(abs(given[name] * period - position * share) < period for name, share in shares.items()), (ratios, position)
        for units in (1, 2, 3):
            length = units * period
            for start in range(len(counts) - length):
                window = {name: counts[start + length][name] - counts[start][name] for name in shares}
                assert window == {name: units * share for name, share in shares.items()}, (ratios, start)


def manager_split(folder: Path) -> str:
    return "test" if any((folder / "mixed").glob("test_mixed*")) else "train"


def test_the_passes_are_those_of_the_mix(real: Path) -> None:
    """At the mix's own ratio and seed, each data set's rows come in the order in which the mixed file has them, 27 passes of them."""
    mixed, weaved = list(DataManager(real)), list(DataManager(real, {"math": 4, "qa": 3, "code": 3}))
    for dataset in mixes.ROWS:
        wanted = [row for row in mixed if row["dataset"] == dataset]
        given = [row for row in weaved if row["dataset"] == dataset]
        assert len(wanted) > 700
        assert given == wanted


def test_draws_with_replacement_are_those_of_the_mix(real: Path, tmp_path: Path) -> None:
    drawn = mixes.build(tmp_path, resample="WithReplacement")
    mixed, weaved = list(DataManager(drawn)), list(DataManager(drawn, {"math": 4, "qa": 3, "code": 3}))
    for dataset in mixes.ROWS:
        assert ids(row for row in weaved if row["dataset"] == dataset) == ids(row for row in mixed if row["dataset"] == dataset)
    assert mixed != list(DataManager(real))


def test_a_pass_has_every_row_once_in_an_order_of_its_seed(made: Path) -> None:
    orders = {}
    for seed in (42, 43):
        rows = [row for row in DataManager(made, {"math": 1, "qa": 1, "code": 8}, seed=seed).get_batch(3000) if row["dataset"] == "mbpp"]
        passes = [ids(rows[start : start + 16]) for start in range(0, 640, 16)]
        assert all(len(set(one)) == 16 for one in passes)
        assert len({tuple(one) for one in passes}) == len(passes)
        orders[seed] = passes
    assert orders[42][0] == orders[43][0], "the first pass is the order of the file"
    assert orders[42][1:] != orders[43][1:]


def test_data_sets_of_a_domain_take_turns_as_they_are_balanced(made: Path) -> None:
    given = Counter(row["dataset"] for row in DataManager(made, RATIOS).get_batch(200))
    assert given == {"gsm8k": 40, "math": 40, "squad2": 30, "hotpotqa": 30, "humaneval": 30, "mbpp": 30}


@pytest.mark.parametrize("ratios", [None, RATIOS])
@pytest.mark.parametrize("world", [2, 3, 8])
def test_ranks_are_one_order(ratios: Any, world: int, some: Path) -> None:
    """No two ranks share a row, and their rows in turn are those of one: over the end of an epoch as well."""
    split = manager_split(some)
    one = DataManager(some, ratios, split)
    rows = len(one)
    want = ids(one.get_batch(2 * rows // world * world))
    ranks = [DataManager(some, ratios, split, rank=rank, world_size=world) for rank in range(world)]
    assert sum(map(len, ranks)) == rows
    parts = [ids(rank.get_batch(len(want) // world)) for rank in ranks]
    assert [parts[position % world][position // world] for position in range(len(want))] == want
    epochs = [ids(DataManager(some, ratios, split, rank=rank, world_size=world)) for rank in range(world)]
    assert Counter(name for part in epochs for name in part) == Counter(want[:rows])


@pytest.mark.parametrize("ratios", [None, RATIOS])
@pytest.mark.parametrize("world", [1, 2, 3, 8])
def test_a_state_restores_at_a_hundred_places(ratios: Any, world: int, some: Path) -> None:
    """In every rank, through JSON, into a manager that has moved: the next rows are those that came without a stop."""
    split, choice = manager_split(some), random.Random(world)
    for rank in range(world):
        arguments: Any = {"domain_ratios": ratios, "split": split, "rank": rank, "world_size": world}
        straight, states = [], []
        manager = DataManager(some, **arguments)
        rows = 2 * len(manager) + 20
        for _ in range(rows):
            states.append(json.dumps(manager.state_dict()))
            straight += ids(manager.get_batch(1))
        restored = DataManager(some, **arguments)
        for place in sorted(choice.sample(range(rows - 10), 100), key=lambda _: choice.random()):
            restored.load_state_dict(json.loads(states[place]))
            assert ids(restored.get_batch(10)) == straight[place : place + 10], (world, rank, place)
        assert json.dumps(restored.state_dict()) in states


def test_a_state_is_good_for_another_number_of_ranks(made: Path) -> None:
    want = ids(DataManager(made, RATIOS).get_batch(600))
    before = [DataManager(made, RATIOS, rank=rank, world_size=3) for rank in range(3)]
    for manager in before:
        manager.get_batch(67)
    after = [DataManager(made, RATIOS, rank=rank, world_size=2) for rank in range(2)]
    for manager in after:
        manager.load_state_dict(before[0].state_dict())  # that of one rank is enough
    parts = [ids(manager.get_batch(50)) for manager in after]
    assert [parts[position % 2][position // 2] for position in range(100)] == want[201:301]


def test_a_state_of_something_else_is_refused(made: Path, tmp_path: Path) -> None:
    state = DataManager(made, RATIOS).state_dict()
    other = mixes.made(tmp_path, name="other")
    for manager, name in (
        (DataManager(other, RATIOS), "digest"),
        (DataManager(made), "ratios"),
        (DataManager(made, RATIOS, seed=1), "seed"),
    ):
        manager.get_batch(5)
        before = manager.state_dict()
        with pytest.raises(ValueError, match=f"the state is of {name}"):
            manager.load_state_dict(state)
        assert manager.state_dict() == before
    with pytest.raises(ValueError, match="version"):
        DataManager(made).load_state_dict({})


def test_an_epoch_ends_and_the_next_one_begins(made: Path) -> None:
    manager = DataManager(made)
    assert ids(islice(manager, 100)) + ids(manager) == ids(DataManager(made))
    assert manager.epoch == 1
    assert len(ids(manager)) == len(manager)
    manager.set_epoch(0)
    assert manager.get_batch(1) == [manager[0]]


def test_places_of_the_epoch(made: Path) -> None:
    for ratios in (None, RATIOS):
        manager = DataManager(made, ratios, rank=1, world_size=3)
        rows = list(DataManager(made, ratios, rank=1, world_size=3))
        assert [manager[index] for index in range(len(manager))] == rows
        assert manager[-1] == rows[-1]
        for beyond in (len(manager), -len(manager) - 1):
            with pytest.raises(IndexError):
                manager[beyond]


def test_copies_go_on_by_themselves(made: Path) -> None:
    manager = DataManager(made, RATIOS)
    manager.get_batch(50)
    for other in (pickle.loads(pickle.dumps(manager)), copy.deepcopy(manager)):
        assert other.get_batch(20) == DataManager(made, RATIOS).get_batch(70)[50:]
    assert manager.state_dict()["position"] == 50


def test_wrong_arguments_say_what_is_right(made: Path, tmp_path: Path) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"split": "dev"}, "the mix has train"),
        ({"rank": 2, "world_size": 2}, "0 to n-1"),
        ({"domain_ratios": {"math": 1, "qa": 1}}, "code is missing: 0 leaves a domain out"),
        ({"domain_ratios": {"math": 1, "qa": 1, "code": 1, "law": 1}}, "it has no law"),
    ]
    for arguments, message in wrong:
        with pytest.raises(ValueError, match=message):
            DataManager(made, **arguments)
    with pytest.raises(ValueError, match="at least 1"):
        DataManager(made).get_batch(0)
    with pytest.raises(FileNotFoundError, match="is no revision"):
        DataManager(tmp_path)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("manifest.json", lambda content: content.replace(b"42", b"43"), "its digest is not the one that it states"),
        ("manifest.json", lambda content: content[:-9], "is damaged"),
        ("manifest.json", lambda content: content.replace(b"manifest/v1", b"manifest/v9"), "install one that fits"),
        ("mixed/train_mixed.jsonl", lambda content: content[: content.index(b"\n") + 1], "the copy is not complete"),
        ("mixed/train_mixed.jsonl", lambda content: content[:-5], "end too early"),
    ],
)
def test_damage_is_found(name: str, damage: Any, message: str, tmp_path: Path) -> None:
    folder = mixes.made(tmp_path)
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    with pytest.raises(ValueError, match=message):
        DataManager(folder).get_batch(1)


@pytest.mark.parametrize("ending", [".jsonl.gz", ".jsonl.zst", ".parquet"])
def test_a_packed_file_that_is_cut(ending: str, tmp_path: Path) -> None:
    folder = mixes.made(tmp_path, ending)
    file = folder / f"mixed/train_mixed{ending}"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"cannot be unpacked|not complete|too early"):
        DataManager(folder).get_batch(1)


@pytest.mark.parametrize(("ending", "extra"), [(".jsonl.zst", "zstd"), (".parquet", "parquet")])
def test_a_missing_library_is_named(ending: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = mixes.made(tmp_path, ending)
    monkeypatch.setitem(sys.modules, "zstandard" if extra == "zstd" else "pyarrow", None)
    with pytest.raises(ImportError, match=rf"datasetmix\[{extra}\]"):
        DataManager(folder).get_batch(1)


OPENS = """
import re, sys, time
sys.path.insert(0, sys.argv[1])
from datasetmix import DataManager
def peak(): return int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
before = peak()
begin = time.process_time()
manager = DataManager(sys.argv[2])
assert (manager[0]["id"], manager[-1]["id"], len(manager)) == ("first", "last", 10_000_000)
print(time.process_time() - begin, peak(), before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_ten_million_rows_are_opened(tmp_path: Path) -> None:
    """In at most ten seconds of the processor and 200 MB, with less than 16 bytes for each row."""
    (tmp_path / "mixed").mkdir()
    with (tmp_path / "mixed" / "train_mixed.jsonl").open("wb") as out:
        out.write(b'{"id":"first"}\n')
        for rows in [1_000_000] * 9 + [999_998]:
            out.write(b'{"id":"12345678901234567890"}\n' * rows)
        out.write(b'{"id":"last"}\n')
    dataset = {"name": "gsm8k", "available": 10_000_000, "balanced": 10_000_000}
    plan = [{"name": "train", "rows": 10_000_000, "domains": [{"name": "math", "datasets": [dataset]}]}]
    (tmp_path / "mixed" / "info.json").write_text(json.dumps({"seed": 42, "plan": plan}))
    package = str(Path(__file__).resolve().parents[1])
    line = [sys.executable, "-I", "-S", "-c", OPENS, package, str(tmp_path / "mixed")]
    run = subprocess.run(line, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    seconds, peak, before = map(float, run.stdout.split())
    print(f"10,000,000 rows opened in {seconds:.1f} s and {peak / 1024:.0f} MB, and {before / 1024:.0f} MB without them")
    assert seconds < 10
    assert peak < 200 * 1024
    assert (peak - before) * 1024 < 16 * 10_000_000


def test_neither_torch_nor_anything_else_is_imported(made: Path) -> None:
    """A Python that sees nothing but this package and the standard library reads a mix."""
    package = str(Path(__file__).resolve().parents[1])
    program = (
        f"import sys; sys.path.insert(0, {package!r})\n"
        "from datasetmix import DataManager\n"
        f"print(len(DataManager({str(made)!r}, {RATIOS!r}).get_batch(500)))\n"
        "assert not {'torch', 'torchdata', 'numpy', 'pyarrow', 'zstandard'} & sys.modules.keys()\n"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "500\n"), run.stderr

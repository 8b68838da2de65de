"""A DataManager in torch's DataLoader and torchdata's StatefulDataLoader, where they are installed."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import mixes
from datasetmix import DataManager

torch_data = pytest.importorskip("torch.utils.data", reason="torch is not installed: its loaders are not tried")
torchdata = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed: its loader is not tried")

pytestmark = pytest.mark.filterwarnings("default")  # torch's own
RATIOS = {"math": 0.4, "qa": 0.3, "code": 0.3}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mixes.made(tmp_path_factory.mktemp("made"))


def ids(batches: Any) -> list[str]:
    return [row["id"] for batch in batches for row in batch]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("ratios", [None, RATIOS])
def test_map_style(made: Path, ratios: Any, workers: int) -> None:
    loader = torch_data.DataLoader(DataManager(made, ratios, rank=1, world_size=2), 7, collate_fn=list, num_workers=workers)
    assert ids(loader) == [row["id"] for row in DataManager(made, ratios, rank=1, world_size=2)]


@pytest.mark.parametrize("ratios", [None, RATIOS])
def test_iterable(made: Path, ratios: Any) -> None:
    one = [row["id"] for row in DataManager(made, ratios)]
    assert ids(torch_data.DataLoader(DataManager(made, ratios).iterable(), 7, collate_fn=list)) == one
    divided = ids(torch_data.DataLoader(DataManager(made, ratios).iterable(), 7, collate_fn=list, num_workers=3))
    assert Counter(divided) == Counter(one)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("iterable", [False, True])
@pytest.mark.parametrize("ratios", [None, RATIOS])
def test_a_stateful_loader_goes_on(made: Path, ratios: Any, iterable: bool, workers: int) -> None:
    """A loader that was stopped at any of some places, and one made from its state, give what one loader gives."""

    def loader() -> Any:
        manager = DataManager(made, ratios)
        return torchdata.StatefulDataLoader(manager.iterable() if iterable else manager, 7, collate_fn=list, num_workers=workers)

    want = ids(loader())
    assert len(want) == len(DataManager(made, ratios))
    for stop in (1, 5, 20):
        before, states = [], None
        stopped = loader()
        for number, batch in enumerate(stopped, 1):
            before.append(batch)
            if number == stop:
                states = stopped.state_dict()
                break
        after = loader()
        after.load_state_dict(states)
        assert ids(before) + ids(after) == want


def test_a_stateful_loader_refuses_another_mix(made: Path, tmp_path: Path) -> None:
    stopped = torchdata.StatefulDataLoader(DataManager(made).iterable(), 7, collate_fn=list)
    next(iter(stopped))
    state = stopped.state_dict()
    other = torchdata.StatefulDataLoader(DataManager(mixes.made(tmp_path, name="other")).iterable(), 7, collate_fn=list)
    other.load_state_dict(state)
    with pytest.raises(ValueError, match="digest"):
        iter(other)

"""Batches of a published mix: in its own order, or at another ratio of its domains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import index as as_index
from pathlib import Path
from typing import Any

from datasetmix.mix import Ratio, Weave, integers
from datasetmix.pool import Pool
from datasetmix.revision import Dataset, Revision
from datasetmix.rows import Shards

__all__ = ["DataManager"]

STATE = "datasetmix.state/v1"


class DataManager:
    """The rows of one split, in an endless order that never depends on the machine.

    Without ratios that is the order of the mixed files, over and over. With ratios, the rows come from the processed files: every
    prefix of the order holds the ratio within one row for each domain, and every window whose length is a multiple of `period` holds
    it exactly. Within a domain the data sets take turns as the mix balances them, and a data set gives all its rows before
    one repeats: first in the order of its file, then, for each further pass, in a keyed order of that pass. Under the seed of the mix
    these are the passes of the mix. An epoch is as many rows as the mixed split has; ratios and passes go on over its end.

    Of several ranks, rank r takes the positions r, r + world_size, r + 2·world_size … of that one order: no two share a row, and a
    step of all ranks together is the next stretch of the order. The ratio holds for the stretch, which is the batch that is trained on,
    and not for the part of one rank.

    It is a map-style data set of torch (`len`, `[]`) as it stands, and `iterable()` is an iterable one; neither this module nor what it
    imports needs torch. A map-style one gives the rows of the epoch that `set_epoch` names.
    """

    def __init__(
        self,
        data_dir: str | Path,
        domain_ratios: Mapping[str, Ratio] | None = None,
        split: str = "train",
        seed: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """Opens a revision for one rank.

        data_dir: a revision, a link to one such as `current`, or its folder mixed/, which is enough without ratios.
        domain_ratios: a share for every domain of the mix, 0 to leave it out; integers, fractions, or decimals, of which a float is
        taken as it is written: 0.4, 0.3 and 0.3 are 4:3:3. seed: of the order of repeated passes; default: the mix's own.

        Files are opened when a row of theirs is first asked for, and take at most 16 bytes of memory for each row. Errors:
        FileNotFoundError where a file is missing, ValueError where an argument or a file is not right, ImportError where a
        file's format needs a library that is missing.
        """
        if not (world_size >= 1 and 0 <= rank < world_size):
            raise ValueError(f"rank {rank} of {world_size}: the ranks of a world of n are 0 to n-1")
        self._arguments = (data_dir, domain_ratios, split, seed, rank, world_size)
        self.revision = Revision(data_dir)
        self.split, self.rank, self.world_size = split, rank, world_size
        self.seed = self.revision.seed if seed is None else as_index(seed)
        datasets = self.revision.datasets(split)
        mixed = self.revision.mixed(split)
        self._source: _Mixed | _Weaved
        self.ratios: dict[str, int] | None = None
        if domain_ratios is None:
            self._source = _Mixed(mixed)
        else:
            self.ratios = _judged(integers(domain_ratios), datasets)
            self._source = _Weaved(self.revision, split, self.seed, self.ratios, datasets, len(mixed))
        self._epoch_rows = len(mixed)
        if self._epoch_rows == 0:
            raise ValueError(f"the mixed split {split} of {data_dir} has no row")
        self._next = rank  # the position of this rank's next row in the one order

    @property
    def period(self) -> int:
        """The rows of one whole unit of the ratio, such as 10 for 4:3:3; without ratios those of the mixed split."""
        return self._epoch_rows if self.ratios is None else sum(self.ratios.values())

    @property
    def epoch(self) -> int:
        """The epoch of the next row, from 0."""
        return self._next // self._epoch_rows

    def set_epoch(self, epoch: int) -> None:
        """Goes to the first row of an epoch. All ranks must do so at the same step."""
        if epoch < 0:
            raise ValueError(f"epoch {epoch}: epochs count from 0")
        self._next = self._first(epoch)

    def __len__(self) -> int:
        """This rank's rows of the current epoch; those of two ranks differ by at most one."""
        first, end = self._first(self.epoch), (self.epoch + 1) * self._epoch_rows
        return max(0, -(-(end - first) // self.world_size))

    def __getitem__(self, index: int) -> dict[str, Any]:
        """This rank's row at a place of the current epoch; one below 0 counts from the end. An IndexError says how many there are."""
        rows = len(self)
        at = as_index(index)
        if not -rows <= at < rows:
            raise IndexError(f"row {at} of {rows}")
        return self._source.row(self._first(self.epoch) + at % rows * self.world_size)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yields this rank's rows from its place on to the end of the epoch; the next iteration goes on with the next epoch."""
        end = (self.epoch + 1) * self._epoch_rows
        while self._next < end:
            yield self._take()

    def get_batch(self, batch_size: int) -> list[dict[str, Any]]:
        """The next so many rows of this rank, over the end of an epoch if need be. Each row is a dict, as it was published."""
        if batch_size < 1:
            raise ValueError(f"a batch of {batch_size} rows: it must have at least 1")
        return [self._take() for _ in range(batch_size)]

    def state_dict(self) -> dict[str, Any]:
        """Where this rank is, in plain values of JSON: for a checkpoint."""
        return {
            "version": STATE,
            "digest": self.revision.digest,
            "split": self.split,
            "ratios": self.ratios,
            "seed": self.seed,
            "position": self._next,
            "rank": self.rank,
            "world_size": self.world_size,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where a state was taken: with the same rows of the same revision, split, ratios and seed.

        A state of another rank, or of another number of ranks, is good as well, if all ranks were at the same step when it was taken.
        A ValueError says what differs, and then nothing has changed.
        """
        if state.get("version") != STATE:
            raise ValueError(f"the state has the version {state.get('version')!r}, and this package reads {STATE}")
        mine = self.state_dict()
        for name in ("digest", "split", "ratios", "seed"):
            if state.get(name) != mine[name]:
                raise ValueError(
                    f"the state is of {name} {state.get(name)!r}, and this is {mine[name]!r}: its rows would not go on where it was taken."
                    + (" Open the revision that the training began with" if name == "digest" else "")
                )
        base = as_index(state["position"]) - as_index(state["rank"])
        self._next = base + self.rank

    def iterable(self) -> Any:
        """The rows as an `IterableDataset` of torch, with the state that a `StatefulDataLoader` of torchdata keeps. Needs torch.

        Workers of a loader divide the rank's rows among themselves, so the order then depends on their number.
        """
        from datasetmix.torch_rows import Rows

        return Rows(self)

    def _first(self, epoch: int) -> int:
        """This rank's first position of an epoch: as ranks take turns all along, that need not be rank + epoch·rows."""
        start = epoch * self._epoch_rows
        return start + (self._next - start) % self.world_size

    def _take(self) -> dict[str, Any]:
        row = self._source.row(self._next)
        self._next += self.world_size
        return row

    def share(self, worker: int, workers: int) -> None:
        """Makes this one of several managers that divide what is left for its rank, as ranks divide the whole."""
        self._next += worker * self.world_size
        self.rank += worker * self.world_size
        self.world_size *= workers

    def __getstate__(self) -> dict[str, Any]:
        return {"arguments": self._arguments, "next": self._next, "digest": self.revision.digest}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(*state["arguments"])  # type: ignore[misc]
        if self.revision.digest != state["digest"]:
            raise ValueError(f"{self.revision.folder} is another revision than in the process that sent this")
        self._next = state["next"]


class _Mixed:
    """Rows in the order of the mixed files."""

    def __init__(self, rows: Shards) -> None:
        self._rows = rows

    def row(self, position: int) -> dict[str, Any]:
        return self._rows.row(position % len(self._rows))


class _Weaved:
    """Rows of the processed files at a ratio of domains."""

    def __init__(self, revision: Revision, split: str, seed: int, ratios: Mapping[str, int], datasets: list[Dataset], rows: int) -> None:
        """Opens the pools of the domains that have a ratio above 0. rows: of an epoch; it says which data sets are drawn."""
        names = [name for name, ratio in ratios.items() if ratio > 0]
        self._domains = Weave([ratios[name] for name in names])
        self._datasets: list[Weave] = []
        self._pools: list[list[Pool]] = []
        for i, name in enumerate(names):
            members = [d for d in datasets if d.domain == name and d.available > 0 and d.balanced > 0]
            weave = Weave([d.balanced for d in members])
            drawn = [False] * len(members)
            if revision.replacement:
                needed = weave.count(self._domains.count(rows)[i])
                drawn = [need > d.available for need, d in zip(needed, members, strict=True)]
            pools = (Pool(revision.processed(d.name, split), seed, split, draws) for d, draws in zip(members, drawn, strict=True))
            self._datasets.append(weave)
            self._pools.append(list(pools))

    def row(self, position: int) -> dict[str, Any]:
        domain, nth = self._domains.at(position)
        dataset, occurrence = self._datasets[domain].at(nth)
        pool = self._pools[domain][dataset]
        return pool.rows.row(pool.at(occurrence))


def _judged(ratios: dict[str, int], datasets: list[Dataset]) -> dict[str, int]:
    """The ratios, if they name every domain once and none without rows."""
    domains = {d.domain for d in datasets}
    if domains != ratios.keys():
        unknown, missing = sorted(ratios.keys() - domains), sorted(domains - ratios.keys())
        raise ValueError(
            f"the ratios must name the domains of the mix, {', '.join(sorted(domains))}:"
            + (f" it has no {', '.join(unknown)}." if unknown else "")
            + (f" {', '.join(missing)} is missing: 0 leaves a domain out." if missing else "")
        )
    for name, ratio in ratios.items():
        if ratio > 0 and not any(d.domain == name and d.available > 0 and d.balanced > 0 for d in datasets):
            raise ValueError(f"the domain {name} has no row in this split: its ratio must be 0")
    return ratios

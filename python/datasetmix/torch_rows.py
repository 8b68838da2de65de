"""A DataManager as torch's iterable data set. Importing this needs torch; `DataManager.iterable` does it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch.utils.data import IterableDataset, get_worker_info

if TYPE_CHECKING:
    from datasetmix.data_manager import DataManager

__all__ = ["Rows"]


class Rows(IterableDataset):
    """The rows of a DataManager, for a DataLoader of torch or a StatefulDataLoader of torchdata."""

    def __init__(self, manager: DataManager) -> None:
        self.manager = manager
        self._shared: DataManager | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yields this worker's rows from its place on to the end of the epoch."""
        return iter(self._mine())

    def __len__(self) -> int:
        """The rows of the rank's epoch, over all workers."""
        return len(self.manager)

    def state_dict(self) -> dict[str, Any]:
        """The state of this worker."""
        return self._mine().state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where a worker's state was taken. Errors: those of DataManager.load_state_dict."""
        self._mine().load_state_dict(state)

    def _mine(self) -> DataManager:
        """The manager of this process: in a worker of a loader, one of its own with the worker's part of the rows."""
        info = get_worker_info()
        if info is None:
            return self.manager
        if self._shared is None:
            self._shared = copy.copy(self.manager)
            self._shared.share(info.id, info.num_workers)
        return self._shared

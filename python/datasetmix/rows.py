"""Rows of published files, by their number: JSON Lines, plain or packed, and Parquet.

A plain file is read where it lies, through an index of one offset for each eight rows. A packed file is unpacked once, into a file
without a name in the folder for temporary files (TMPDIR), and then read like a plain one.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
import weakref
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import IO, Any, cast

__all__ = ["FORMATS", "Lines", "Shards"]

_STRIDE = 8  # rows for each offset that is kept
_BUFFER = 1 << 20
_COLUMNS = ("id", "dataset", "domain", "question", "reference_answer", "answer_type", "metadata")


class Lines:
    """The rows of one file, as lines without their line feed."""

    def __init__(self, path: Path) -> None:
        """Opens a file and finds its rows.

        Errors: OSError where it cannot be read or unpacked, ImportError where a library for its format is missing, ValueError where its
        name says no format or its bytes are not of that format.
        """
        unpack = FORMATS[format_of(path)]
        with path.open("rb", buffering=0) as packed:
            if unpack is None:
                self._file = os.dup(packed.fileno())
            else:
                with _temporary(path) as out:
                    _unpack(path, packed, out, unpack)
                    self._file = os.dup(out.fileno())
        weakref.finalize(self, os.close, self._file)
        with open(os.dup(self._file), "rb", buffering=_BUFFER) as whole:
            whole.seek(0)
            ends = accumulate(map(len, whole))
            self._offsets = array("Q", islice(chain((0,), ends), 0, None, _STRIDE))
        self._size = os.fstat(self._file).st_size
        self._block = -1
        self._lines: list[bytes] = []
        last = len(self._offsets) - 1
        self._rows = last * _STRIDE + len(self._read(last))

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: int) -> bytes:
        if not 0 <= row < self._rows:
            raise IndexError(f"row {row} of {self._rows}")
        block, place = divmod(row, _STRIDE)
        return self._read(block)[place]

    def _read(self, block: int) -> list[bytes]:
        if block == self._block:
            return self._lines
        start = self._offsets[block]
        end = self._offsets[block + 1] if block + 1 < len(self._offsets) else self._size
        content = os.pread(self._file, end - start, start)
        if len(content) != end - start or (content and not content.endswith(b"\n")):
            raise ValueError(f"the rows from {block * _STRIDE} on end too early: the file was cut, or changed after it was opened")
        lines = content.split(b"\n")[:-1]
        self._block, self._lines = block, lines
        return lines


class Shards:
    """The rows of several files, one file after another. A file is opened when its first row is asked for."""

    def __init__(self, files: Sequence[tuple[Path, int | None]]) -> None:
        """Takes files and their numbers of rows; a file whose number is None is opened at once.

        Errors: those of Lines.
        """
        self._paths = [path for path, _ in files]
        self._listed = [rows for _, rows in files]
        self._open: dict[int, Lines] = {}
        counts = (len(self._lines(i)) if rows is None else rows for i, rows in enumerate(self._listed))
        self._starts = [0, *accumulate(counts)]

    def __len__(self) -> int:
        return self._starts[-1]

    def line(self, row: int) -> bytes:
        """A row as the line of JSON that was published."""
        file = bisect_right(self._starts, row) - 1
        return self._lines(file)[row - self._starts[file]]

    def row(self, row: int) -> dict[str, Any]:
        """A row: its members by name."""
        return cast("dict[str, Any]", json.loads(self.line(row)))

    def _lines(self, file: int) -> Lines:
        if file not in self._open:
            path, listed = self._paths[file], self._listed[file]
            lines = Lines(path)
            if listed is not None and len(lines) != listed:
                raise ValueError(f"{path} has {len(lines)} rows, and its revision lists {listed}: the copy is not complete")
            self._open[file] = lines
        return self._open[file]


def format_of(path: Path) -> str:
    """The ending of a file of rows. A ValueError says which endings there are."""
    for ending in FORMATS:
        if path.name.endswith(ending):
            return ending
    raise ValueError(f"{path}: the name must end in one of {', '.join(FORMATS)}")


def _temporary(path: Path) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(buffering=_BUFFER)
    except OSError as e:
        hint = "set TMPDIR to a folder that can be written"
        raise OSError(f"{path} is unpacked into a temporary file, and none can be made: {hint}: {e}") from e


def _unpack(path: Path, packed: IO[bytes], out: IO[bytes], unpack: Callable[[IO[bytes], IO[bytes]], None]) -> None:
    try:
        unpack(packed, out)
    except (EOFError, gzip.BadGzipFile, zlib.error) as e:
        raise ValueError(f"{path} cannot be unpacked: {e}") from e
    out.flush()


def _gzip(packed: IO[bytes], out: IO[bytes]) -> None:
    with gzip.open(packed) as rows:
        shutil.copyfileobj(rows, out, _BUFFER)


def _zstd(packed: IO[bytes], out: IO[bytes]) -> None:
    try:
        import zstandard
    except ImportError:
        raise ImportError("files in JSONLZstd need the library zstandard: pip install 'datasetmix[zstd]'") from None
    try:
        zstandard.ZstdDecompressor().copy_stream(packed, out, read_size=_BUFFER, write_size=_BUFFER)
    except zstandard.ZstdError as e:
        raise EOFError(str(e)) from e


def _parquet(packed: IO[bytes], out: IO[bytes]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ImportError("files in Parquet need the library pyarrow: pip install 'datasetmix[parquet]'") from None
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    try:
        for batch in pyarrow.parquet.ParquetFile(packed).iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                # The metadata is JSON already, and stays as it is; what a row keeps of its source stands behind.
                members = (f"{encode(name)}:{value if name == 'metadata' else encode(value)}" for name, value in row.items())
                out.write(("{" + ",".join(members) + "}\n").encode("utf-8", "surrogatepass"))
    except pyarrow.ArrowException as e:
        raise EOFError(str(e)) from e


FORMATS: dict[str, Callable[[IO[bytes], IO[bytes]], None] | None] = {
    ".jsonl": None,
    ".jsonl.gz": _gzip,
    ".jsonl.zst": _zstd,
    ".parquet": _parquet,
}
"""What unpacks a file of rows, by the ending of its name; None where there is nothing to unpack."""

"""The rows of one data set in the order in which a mix repeats them."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import OrderedDict
from itertools import accumulate, pairwise

from datasetmix.mix import Key
from datasetmix.rows import Shards

__all__ = ["Pool", "identity"]

_HELD = 1 << 16  # rows of which identities and orders are held however few the data set has; a larger one holds one order
_BUCKET = 1 << 16  # rows that are sorted at a time


class Pool:
    """A data set's occurrences in an endless order, counted from 0, after docs/format.md.

    In passes, occurrence o of n rows is row o mod n of pass ⌊o/n⌋: the first pass in the order of the file, each later one in the
    keyed order `pass/<p>` of the rows' identities. Drawn with replacement, each occurrence is a draw of the key `replace/<split>`.
    """

    def __init__(self, rows: Shards, seed: int, split: str, drawn: bool) -> None:
        self.rows = rows
        self._seed = seed
        self._draws = Key(seed, f"replace/{split}") if drawn else None
        self._orders: OrderedDict[int, array[int]] = OrderedDict()
        self._identities: list[bytes] | None = None

    def at(self, occurrence: int) -> int:
        """The number of the row that an occurrence is."""
        rows = len(self.rows)
        if self._draws is not None:
            return self._draws.below(rows, occurrence)
        turn, place = divmod(occurrence, rows)
        return place if turn == 0 else self._order(turn)[place]

    def _order(self, turn: int) -> array[int]:
        """The order of a pass. Making it reads every row, at some 20 µs each, unless the data set is small enough to be held."""
        if turn in self._orders:
            self._orders.move_to_end(turn)
            return self._orders[turn]
        while self._orders and (len(self._orders) + 1) * len(self.rows) > _HELD:
            self._orders.popitem(last=False)
        self._orders[turn] = self._sorted(Key(self._seed, f"pass/{turn}"))
        return self._orders[turn]

    def _sorted(self, key: Key) -> array[int]:
        """The rows by key; the identity decides between equal ones, then the order of the file. 12 bytes for each row."""
        rows = len(self.rows)
        keys = array("Q", (key.of(self._identity(row)) for row in range(rows)))
        # Rows are laid into buckets by the first bits of their keys, and each bucket is sorted: a list of all would take 40 bytes a row.
        shift = 64 - max(0, (rows // _BUCKET).bit_length())
        sizes = [0] * (1 << (64 - shift))
        for value in keys:
            sizes[value >> shift] += 1
        ends = list(accumulate(sizes, initial=0))
        next_of = ends[:-1]
        order = array("I" if rows < 1 << 32 else "Q")
        order.frombytes(bytes(order.itemsize * rows))
        for row, value in enumerate(keys):
            bucket = value >> shift
            order[next_of[bucket]] = row
            next_of[bucket] += 1
        for start, end in pairwise(ends):
            if start < end:
                ranked = sorted(order[start:end], key=keys.__getitem__)
                order[start:end] = array(order.typecode, self._settled(ranked, keys))
        return order

    def _settled(self, ranked: list[int], keys: array[int]) -> list[int]:
        """Rows by key with those of equal keys by identity; the order of the file, in which they stand, decides the rest."""
        if all(keys[a] != keys[b] for a, b in pairwise(ranked)):
            return ranked
        return sorted(ranked, key=lambda row: (keys[row], self._identity(row)))

    def _identity(self, row: int) -> bytes:
        if len(self.rows) > _HELD:
            return identity(self.rows.line(row))
        if self._identities is None:
            self._identities = [identity(self.rows.line(i)) for i in range(len(self.rows))]
        return self._identities[row]


_scan = json.JSONDecoder().raw_decode


def identity(line: bytes) -> bytes:
    """The first 16 bytes of a row's identity: the digest of all that it says, but not of where it stood at its source."""
    text = line.decode("utf-8", "surrogatepass")
    row = json.loads(text)
    question = hashlib.sha256(_bytes(row["question"])).digest()
    pair = hashlib.sha256(b"datasetmix/pair/v1\n" + question + _sized(_bytes(row["reference_answer"]))).digest()
    message = [b"datasetmix/identity/v2\n", pair, _sized(_bytes(row["answer_type"]))]
    # A string holds no bare quotation mark, so this is the member itself; its values count as they are written.
    at = text.index(',"metadata":{') + len(',"metadata":{')
    while text[at] != "}":
        key, at = _scan(text, at)
        start = at + 1
        _, at = _scan(text, start)
        if key not in ("source", "original_id"):
            message += (_sized(_bytes(key)), _sized(_bytes(text[start:at])))
        if text[at] == ",":
            at += 1
    message += _kept(text, at + 1)
    return hashlib.sha256(b"".join(message)).digest()[:16]


def _kept(text: str, at: int) -> list[bytes]:
    """What the members behind the metadata add to the message of an identity: those of the source's row that are kept."""
    message = [_sized(b"")] if text[at] == "," else []
    while text[at] == ",":
        key, at = _scan(text, at + 1)
        start = at + 1
        _, at = _scan(text, start)
        message += (_sized(_bytes(key)), _sized(_bytes(text[start:at])))
    return message


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(8, "big") + content

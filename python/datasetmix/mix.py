"""The arithmetic of a mix, with the same numbers as the operator's: keyed orders, and orders that hold a ratio.

Integers in, integers out. The test vectors are those of the Go package internal/mix, which describes the algorithms.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm

__all__ = ["Key", "Ratio", "Weave", "integers", "interleaved"]

Ratio = int | float | Fraction | Decimal | str
"""A share of a mix: an integer, a fraction, or a decimal, which a float is taken for as it is written."""

_MASK = (1 << 64) - 1


class Key:
    r"""A keyed order: 64 bits for each value, that say where the value stands, and a stream of uniform draws.

    The hash is SipHash-2-4 under the first 16 bytes of SHA-256("datasetmix/v1\n<seed>\n<purpose>\n").
    """

    def __init__(self, seed: int, purpose: str) -> None:
        digest = hashlib.sha256(f"datasetmix/v1\n{seed}\n{purpose}\n".encode()).digest()
        self._k0 = int.from_bytes(digest[0:8], "little")
        self._k1 = int.from_bytes(digest[8:16], "little")

    def of(self, value: bytes) -> int:
        """The place of a value in the order."""
        whole = len(value) // 8 * 8
        words = [int.from_bytes(value[i : i + 8], "little") for i in range(0, whole, 8)]
        words.append(int.from_bytes(value[whole:], "little") | (len(value) & 0xFF) << 56)
        return self._hash(words)

    def below(self, n: int, position: int) -> int:
        """The draw in [0, n) at a position of the stream: Lemire's multiplication, rejected draws taken again."""
        attempt = 0
        while True:
            high, low = divmod(self._hash((position, attempt, 16 << 56)) * n, 1 << 64)
            if low >= n or low >= (-n & _MASK) % n:
                return high
            attempt += 1

    def _hash(self, words: Sequence[int]) -> int:
        """SipHash-2-4 of words, of which the last one holds the length. The rounds stand in one loop, as calls cost most here."""
        v0, v1 = self._k0 ^ 0x736F6D6570736575, self._k1 ^ 0x646F72616E646F6D
        v2, v3 = self._k0 ^ 0x6C7967656E657261, self._k1 ^ 0x7465646279746573
        mask = _MASK
        for word, rounds in (*((word, 2) for word in words), (None, 4)):
            if word is None:
                v2 ^= 0xFF
            else:
                v3 ^= word
            for _ in range(rounds):
                v0 = (v0 + v1) & mask
                v1 = ((v1 << 13) & mask | v1 >> 51) ^ v0
                v0 = (v0 << 32) & mask | v0 >> 32
                v2 = (v2 + v3) & mask
                v3 = ((v3 << 16) & mask | v3 >> 48) ^ v2
                v0 = (v0 + v3) & mask
                v3 = ((v3 << 21) & mask | v3 >> 43) ^ v0
                v2 = (v2 + v1) & mask
                v1 = ((v1 << 17) & mask | v1 >> 47) ^ v2
                v2 = (v2 << 32) & mask | v2 >> 32
            if word is not None:
                v0 ^= word
        return v0 ^ v1 ^ v2 ^ v3


def integers(ratios: Mapping[str, Ratio]) -> dict[str, int]:
    """The smallest integers of the same ratio, by name in the order of names.

    A float is the decimal that Python writes for it: 0.1 is one tenth. A ValueError names what is no number, negative, or not finite,
    and a ratio of nothing.
    """
    exact = {name: _exact(name, ratios[name]) for name in sorted(ratios)}
    scale = lcm(*(share.denominator for share in exact.values()))
    parts = {name: int(share * scale) for name, share in exact.items()}
    divisor = gcd(*parts.values())
    if divisor == 0:
        raise ValueError(f"the ratios {dict(ratios)} are all 0: at least one must be above 0")
    return {name: part // divisor for name, part in parts.items()}


def _exact(name: str, share: Ratio) -> Fraction:
    try:
        exact = Fraction(float.__repr__(share) if isinstance(share, float) else share)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise ValueError(f"the ratio of {name} is {share!r}: it must be a finite number, such as 4, 0.4 or Fraction(2, 5)") from None
    if exact < 0:
        raise ValueError(f"the ratio of {name} is {share!r}: it must not be below 0")
    return exact


def interleaved(counts: Sequence[int]) -> Iterator[int]:
    """Yields an entry for each of sum(counts) positions so that every prefix holds the ratio within less than one for each entry.

    Tijdeman's chairman assignment (Discrete Mathematics 32, 1980): with m entries above zero, among those whose lag is at least
    1/(2m-2), the one whose lag would be the first to reach 1 - 1/(2m-2); ties go to the earlier. All in integers: times
    sum(counts)·(2m-2).
    """
    active = [i for i, count in enumerate(counts) if count > 0]
    total = sum(counts)
    if len(active) == 1:
        for _ in range(total):
            yield active[0]
        return
    scale = 2 * len(active) - 2
    whole, bound = total * scale, total * (scale - 1)
    shares = [counts[i] for i in active]
    steps = [share * scale for share in shares]
    lags = [0] * len(active)
    for _ in range(total):
        best, slack, of = -1, 0, 1
        for j, step in enumerate(steps):
            lag = lags[j] = lags[j] + step
            if lag >= total and (best < 0 or (bound - lag) * of < slack * shares[j]):
                best, slack, of = j, bound - lag, shares[j]
        lags[best] -= whole
        yield active[best]


class Weave:
    """An endless order of entries in a ratio: `interleaved`, over and over.

    Every prefix holds the ratio within less than one for each entry, and every window whose length is a multiple of `period` holds
    it exactly, wherever it begins. Positions are computed as far as they are asked for, and one period at most is kept: a
    byte for each, and a few for each 256.
    """

    _MARK = 256

    def __init__(self, weights: Sequence[int]) -> None:
        divisor = gcd(*weights)
        if divisor == 0 or min(weights) < 0:
            raise ValueError(f"cannot weave by {list(weights)}: one weight must be above 0 and none below")
        self.weights = [weight // divisor for weight in weights]
        self.period = sum(self.weights)
        self._chosen = interleaved(self.weights)
        self._entries: bytearray | array[int] = bytearray() if len(weights) <= 256 else array("H")
        self._before = [array("Q") for _ in weights]  # each marked position: how often the entry stands before it
        self._given = [0] * len(weights)

    def at(self, position: int) -> tuple[int, int]:
        """The entry at a position, and how often it stands before."""
        turn, place = divmod(position, self.period)
        if place >= len(self._entries):
            self._extend(place + 1)
        entry = self._entries[place]
        mark = place // self._MARK
        here = self._entries[mark * self._MARK : place].count(entry)
        return entry, turn * self.weights[entry] + self._before[entry][mark] + here

    def count(self, position: int) -> list[int]:
        """How often each entry stands before a position."""
        turn, place = divmod(position, self.period)
        if place >= len(self._entries):
            self._extend(place + 1)
        mark = place // self._MARK
        here = self._entries[mark * self._MARK : place]
        return [turn * weight + self._before[i][mark] + here.count(i) for i, weight in enumerate(self.weights)]

    def _extend(self, length: int) -> None:
        goal = min(max(length, len(self._entries) + self._MARK), self.period)
        while len(self._entries) < goal:
            if len(self._entries) % self._MARK == 0:
                for marks, given in zip(self._before, self._given, strict=True):
                    marks.append(given)
            entry = next(self._chosen)
            self._given[entry] += 1
            self._entries.append(entry)

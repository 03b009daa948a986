"""Bytes as damage and malice leave them, from a seed."""

import os
from pathlib import Path
from random import Random

_EXTREMES = (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff" * 8, b"9" * 40)


def mutated(data: bytes, rng: Random) -> bytes:
    """`data` after one to four changes: bits, cuts, copies, extremes, other bytes."""
    found = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        rng.choice(_CHANGES)(found, rng)
    return bytes(found)


def flip_bit(path: Path, at: int, bit: int = 0) -> None:
    """Change one bit of a file; size and modification time stay."""
    before, data = path.stat(), bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.chmod(0o644)  # what is published is read-only
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _flip(data: bytearray, rng: Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _replace(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at : at + rng.randrange(8)] = rng.randbytes(rng.randrange(8))


def _cut(data: bytearray, rng: Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _drop(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data) + 1)
    del data[at : at + rng.randrange(64)]


def _repeat(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = data[at : at + rng.randrange(64)] * rng.randrange(8)


def _move(data: bytearray, rng: Random) -> None:
    at, to = (rng.randrange(len(data) + 1) for _ in range(2))
    data[to:to] = data[at : at + rng.randrange(64)]


def _extreme(data: bytearray, rng: Random) -> None:
    at, extreme = rng.randrange(len(data) + 1), rng.choice(_EXTREMES)
    data[at : at + len(extreme)] = extreme


_CHANGES = (_flip, _flip, _replace, _cut, _drop, _repeat, _move, _extreme)

"""Search files for canaries: as they are, unpacked, and with white space taken out.

A canary says in which files it must be found; it may be found nowhere else, except where it says so too. Files are
unpacked by what they hold, not by their names: Parquet, SQLite, zip, zstd, gzip, bzip2, xz, PEM, one in another.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import re
import sqlite3
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from canary.spellings import Spellings

_HEAD_BYTES = 8
"""Every spelling is at least as long; windows of this size are looked up."""
_TABLE_BITS = 22
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_CHUNK_BYTES = 1 << 20
_LONG = 16
"""Spellings of this length may be broken over lines; shorter ones would be made up by joining what is apart."""
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_SHORT_DIGEST = 12
"""Digits of a shortened digest; nine given ones stand in it by chance with 2^-34. Longer ones are random."""
_PEM = re.compile(rb"-----BEGIN [^-]+-----\s+(.*?)-----END", re.DOTALL)


@dataclass(frozen=True, slots=True, repr=False)
class Canary:
    """A value that was planted or drawn.

    Args:
        name: for people.
        spellings: by encoding.
        must: patterns of files, relative to the searched folder; at least one file of each must hold it.
        may: patterns of files that may hold it too.
    """

    name: str
    spellings: Spellings
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Canary({self.name})"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A canary in a file.

    Args:
        file: path from the searched folder.
        canary: its name.
        spelling: how it stands there.
        view: in which view of the file: ``raw``, ``parquet`` and so on.
    """

    file: str
    canary: str
    spelling: str
    view: str


class Searcher:
    """Looks for all spellings of all canaries at once: by their first eight bytes, in a table of hashes.

    Args:
        canaries: what to look for.
    """

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._spellings: dict[int, list[tuple[bytes, str, str]]] = defaultdict(list)
        for canary in canaries:
            for spelling, content in canary.spellings.items():
                if len(content) < _HEAD_BYTES:
                    raise ValueError(f"{spelling} of {canary.name} is too short")
                head = int.from_bytes(content[:_HEAD_BYTES], "little")
                self._spellings[head].append((content, canary.name, spelling))
        self._heads = np.array(sorted(self._spellings), dtype=np.uint64)
        self._table = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        self._table[_slots(self._heads)] = True

    def search(self, folder: Path) -> set[Finding]:
        """Return everything that is found in the files below a folder."""
        return {
            Finding(str(path.relative_to(folder)), canary, spelling, view)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
            for view, content in views(path.read_bytes())
            for canary, spelling in self.find(content, joined=view.endswith("joined"))
        }

    def find(self, content: bytes, *, joined: bool = False) -> set[tuple[str, str]]:
        """Return the canaries in some bytes and how they are spelled; of joined lines only long spellings count."""
        return {
            (canary, spelling)
            for at in self._candidates(content)
            for spelled, canary, spelling in self._spellings[int.from_bytes(content[at : at + _HEAD_BYTES], "little")]
            if (len(spelled) >= _LONG or not joined)
            and content.startswith(spelled, at)
            and _counts(content, at, spelled)
        }

    def _candidates(self, content: bytes) -> Iterator[int]:
        for start in range(0, len(content) - _HEAD_BYTES + 1, _CHUNK_BYTES):
            count = min(_CHUNK_BYTES, len(content) - _HEAD_BYTES + 1 - start)
            # Every window of eight bytes as a number: the items overlap.
            windows = np.ndarray((count,), "<u8", content, start, (1,))
            likely = np.flatnonzero(self._table[_slots(windows)])
            heads = windows[likely]
            at = np.minimum(np.searchsorted(self._heads, heads), len(self._heads) - 1)
            yield from (start + likely[self._heads[at] == heads]).tolist()


def _slots(heads: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return (heads * _FACTOR) >> np.uint64(64 - _TABLE_BITS)


def _counts(content: bytes, at: int, spelled: bytes) -> bool:
    """Tell whether a spelling stands there for itself, and not as a part of a longer random text in hexadecimal."""
    if len(spelled) >= _LONG or not _HEX_DIGITS.issuperset(spelled):
        return True
    start, stop = at, at + len(spelled)
    while start > 0 and content[start - 1] in _HEX_DIGITS:
        start -= 1
    while stop < len(content) and content[stop] in _HEX_DIGITS:
        stop += 1
    run = content[start:stop]
    # Nine digits count among other digits too: numbers may stand one after the other without anything in between.
    return run == spelled or (len(spelled) >= 9 and spelled.isdigit() and (len(run) <= _SHORT_DIGEST or run.isdigit()))


def views(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the content of a file in every form in which it is searched, each with its name."""
    yield "raw", content
    yield "joined", b"".join(content.split())
    for kind, inner in _unpacked(content):
        yield from ((f"{kind}/{view}", part) for view, part in views(inner))


def _unpacked(content: bytes) -> Iterator[tuple[str, bytes]]:
    for (kind, begin), unpack in _CONTAINERS.items():
        if content.startswith(begin):
            # A key may begin like a container. If a real one cannot be read, what must be found in it is missing.
            with suppress(*_NO_CONTAINER):
                yield from ((kind, inner) for inner in unpack(content))
    for body in _PEM.findall(content):
        yield "pem", base64.b64decode(body)


def _parquet(content: bytes) -> list[bytes]:
    """Return each column's cells, and what the footer says: names, smallest and largest values, anyone's own words."""
    file = pq.ParquetFile(io.BytesIO(content))
    footer = f"{file.metadata.to_dict()}\n{file.metadata.metadata}\n{file.schema_arrow}"
    cells = (column.to_pylist() for column in file.read().columns)
    return [footer.encode(), *("\n".join(map(_cell, column)).encode() for column in cells)]


def _cell(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _sqlite(content: bytes) -> list[bytes]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(content)
        return ["\n".join(connection.iterdump()).encode()]
    finally:
        connection.close()


def _zip(content: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def _zstd(content: bytes) -> list[bytes]:
    return [pa.CompressedInputStream(pa.BufferReader(content), "zstd").read()]


_CONTAINERS: dict[tuple[str, bytes], Callable[[bytes], list[bytes]]] = {
    ("parquet", b"PAR1"): _parquet,
    ("sqlite", b"SQLite format 3\0"): _sqlite,
    ("zip", b"PK\x03\x04"): _zip,
    ("zstd", b"\x28\xb5\x2f\xfd"): _zstd,
    ("gzip", b"\x1f\x8b"): lambda content: [gzip.decompress(content)],
    ("bzip2", b"BZh"): lambda content: [bz2.decompress(content)],
    ("xz", b"\xfd7zXZ\0"): lambda content: [lzma.decompress(content)],
}
"""How to unpack a file, by what it is called and how it begins."""
_NO_CONTAINER = (
    pa.ArrowInvalid,
    sqlite3.DatabaseError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
)


def judge(canaries: Iterable[Canary], findings: Iterable[Finding]) -> list[str]:
    """Return what is wrong: canaries where none may be, and canaries that are not where they must be."""
    by_name = defaultdict(list)
    for finding in findings:
        by_name[finding.canary].append(finding)
    problems = []
    for canary in canaries:
        found = by_name[canary.name]
        allowed = canary.must + canary.may
        problems += [
            f"{finding.canary} leaked into {finding.file} ({finding.view}): {finding.spelling}"
            for finding in found
            if not any(fnmatch(finding.file, pattern) for pattern in allowed)
        ]
        problems += [
            f"{canary.name} was not found in {pattern}"
            for pattern in canary.must
            if not any(fnmatch(finding.file, pattern) for finding in found)
        ]
    return sorted(problems)

"""Every way in which a planted value could turn up in a file: as text, as bytes, in an encoding of either, as a hash.

How likely is a spelling to stand somewhere by chance? Only random bytes matter: keys, digests, ids, signatures. All
else follows from the population's seed. A search covers less than 2^23 bytes. Each spelling is one of these:

- Of a secret: 16 of its bytes, which have 120 bits or more in every encoding. There are fewer than 2^20 such
  spellings: 2^(20 + 23 - 120).
- Of a number or an amount: fewer than 2^15 spellings. In random bytes they have 64 bits or more: 2^(15 + 23 - 64). In
  random base64, which is PEM and less than 2^17 bytes, they have 60 bits: 2^(15 + 17 - 60). Only digits have fewer
  there, 48 bits; these are fewer than 2^10: 2^(10 + 17 - 48).
- Four or five bytes (uint32, nine packed digits, a varint) are too few, so two neighbours are searched together:
  canaries are planted in pairs that stay neighbours in the order of the file and of the numbers alike.
- Up to 15 characters that are digits or hexadecimal are not searched inside random hexadecimal text: see
  ``canary.search``. What is left are numbers in decimal: sizes, counts, times. None of those is a canary, because every
  canary is larger than 60,000,000, more than any size or count here, and no multiple of 1024, as sizes of memory are.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Literal
from urllib.parse import quote

Order = Literal["little", "big"]
Spellings = dict[str, bytes]
"""By the name of the encoding."""

BLOCK_BYTES = 16
"""Of a secret as many bytes at a time are searched: a piece of it is a leak too."""
_ORDERS: tuple[tuple[Order, str], ...] = (("little", "<"), ("big", ">"))
_SEPARATORS = (".", ",", " ", "-", "_", "'", "\u00a0", "\u2009", "\u202f")
_HASHES = ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s")
_HASH_BYTES = 8
"""Of a hash its begin is searched, because people show shortened ones."""
_MARKED: tuple[tuple[str, bytes, Order], ...] = (
    ("pickle", b"J", "little"),
    ("msgpack", b"\xce", "big"),
    ("CBOR", b"\x1a", "big"),
)
"""Forms that put one byte before four."""
_SIGNS = "0CDF"
"""Packed decimals begin with a zero or end with a sign."""


def of_number(number: int, next_number: int) -> Spellings:
    """Return the spellings of a nine-digit number whose neighbour in files and in order is ``next_number``."""
    text = f"{number:09}"
    found = _of_text("digits", text) | _of_integer("number", number) | _of_pair("number", number, next_number)
    found |= {"without leading zeros": str(number).encode()} if number < 10**8 else {}
    for separator in _SEPARATORS:
        found[f"grouped by {separator!r}"] = separator.join((text[:3], text[3:6], text[6:])).encode()
        found[f"grouped 4-2-3 by {separator!r}"] = separator.join((text[:4], text[4:6], text[6:])).encode()
    for hashed in (
        text.encode(),
        number.to_bytes(4, "little"),
        number.to_bytes(4, "big"),
        number.to_bytes(8, "little"),
    ):
        for name in _HASHES:
            digest = hashlib.new(name, hashed).digest()
            found |= _in_texts(f"{name} of {len(hashed)} bytes {hashed[:1].hex()}", digest[:_HASH_BYTES])
    return found


def of_amount(cents: int, next_cents: int) -> Spellings:
    """Return the spellings of an amount whose neighbour in its column is ``next_cents``."""
    whole, rest = divmod(cents, 100)
    found = _of_text("cents", str(cents)) | _of_text("euros", f"{whole}.{rest:02}") | _of_integer("cents", cents)
    found |= _of_pair("cents", cents, next_cents)
    found |= _in_texts("euros as float64", _float(cents / 100, "<")) | _in_texts(
        "euros as float64, big-endian", _float(cents / 100, ">")
    )
    found["euros with comma"] = f"{whole},{rest:02}".encode()
    for separator in _SEPARATORS:
        thousands = f"{whole:,}".replace(",", separator)
        found[f"euros grouped by {separator!r}"] = f"{thousands}{'.' if separator == ',' else ','}{rest:02}".encode()
        found[f"cents grouped by {separator!r}"] = f"{cents:,}".replace(",", separator).encode()
    return found


def of_secret(secret: bytes) -> Spellings:
    """Return the spellings of each block of a secret of 16 bytes and more."""
    found: Spellings = {}
    for start in {*range(0, len(secret) - BLOCK_BYTES + 1, BLOCK_BYTES), len(secret) - BLOCK_BYTES}:
        block = secret[start : start + BLOCK_BYTES]
        at = f"bytes {start} to {start + BLOCK_BYTES}"
        found |= _in_texts(at, block)
        found[f"{at}, hex with colons"] = block.hex(":").encode()
        found[f"{at}, as Python shows bytes"] = repr(block)[2:-1].encode()
        found[f"{at}, list of numbers"] = ", ".join(map(str, block)).encode()
        found[f"{at}, short list of numbers"] = ",".join(map(str, block)).encode()
        for order, _ in _ORDERS:
            found[f"{at}, decimal of {order}-endian"] = str(int.from_bytes(block, order)).encode()
    return found


def _of_text(name: str, text: str) -> Spellings:
    found = _in_texts(name, text.encode())
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        found[f"{name} in {encoding}"] = text.encode(encoding)
    found[f"{name}, percent-encoded"] = "".join(f"%{byte:02X}" for byte in text.encode()).encode()
    return found


def _of_integer(name: str, value: int) -> Spellings:
    found = {f"{name} as Python's hex": hex(value).encode()}
    for order, mark in _ORDERS:
        found |= _in_texts(f"{name} as int64, {order}-endian", value.to_bytes(8, order))
        found |= _in_texts(f"{name} as float64, {order}-endian", _float(float(value), mark))
        four = value.to_bytes(4, order).hex()
        found[f"{name} as uint32, {order}-endian, hex"] = four.encode()
        found[f"{name} as uint32, {order}-endian, HEX"] = four.upper().encode()
    return found


def _of_pair(name: str, value: int, neighbour: int) -> Spellings:
    values = (value, neighbour)
    found: Spellings = {}
    for order, _ in _ORDERS:
        found |= _in_texts(f"two {name}s as uint32, {order}-endian", b"".join(v.to_bytes(4, order) for v in values))
    found[f"two {name}s as varint"] = b"".join(map(_varint, values))
    for form, mark, order in _MARKED:
        found[f"two {name}s in {form}"] = b"".join(mark + v.to_bytes(4, order) for v in values)
    for sign in _SIGNS:
        packed = (f"0{v:09}" if sign == "0" else f"{v:09}{sign}" for v in values)
        found[f"two {name}s in packed decimal, {sign}"] = bytes.fromhex("".join(packed))
    return found


def _in_texts(name: str, content: bytes) -> Spellings:
    """Return bytes as they are, in hexadecimal, and in base64 wherever in a longer content they may stand."""
    found = {name: content, f"{name}, hex": content.hex().encode(), f"{name}, HEX": content.hex().upper().encode()}
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + content)
        # Only the characters that these bytes alone determine.
        inside = encoded[-(-8 * shift // 6) : 8 * (shift + len(content)) // 6]
        found[f"{name}, base64 at {shift}"] = inside
        found[f"{name}, base64url at {shift}"] = inside.replace(b"+", b"-").replace(b"/", b"_")
        found[f"{name}, quoted base64 at {shift}"] = quote(inside).encode()
    return found


def _float(value: float, order: str) -> bytes:
    return struct.pack(f"{order}d", value)


def _varint(value: int) -> bytes:
    groups = [value >> shift & 0x7F for shift in range(0, value.bit_length(), 7)]
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])

"""Strategies that change valid contents: a decoder goes deeper into what is nearly right than into random bytes."""

from __future__ import annotations

import re
from collections.abc import MutableSequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

_MOST_CHANGES = 4
_LONGEST_PIECE = 40
_EXTREME_BYTES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
_EXTREME_WORDS = (
    b"",
    b"0",
    b"-1",
    b"18446744073709551616",
    b"9" * 5000,
    b"1e999",
    b"nan",
    b"-inf",
    b"true",
    b'""',
    b'"\\u0000"',
    b'"\\u001b[2J"',
    b'"' + b"x" * 5000 + b'"',
    b"[" * 3000,
    b"{}",
    b"[]",
    b"a." * 3000,
    b"(" * 3000,
    b"0001-01-01",
    b"9999-12-31T23:59:59.999999+23:59",
    b"Europe",
    b"\n[" + b" " * 3000,
    b"\xff",
    "\u2028".encode(),
)
_WORD = re.compile(rb'"[^"\n]*"|[\w.+-]+|[^\w\s]')


@st.composite
def changed_bytes(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A seed with a few bits flipped, bytes set, pieces cut out, repeated, moved or put in from another seed."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, _MOST_CHANGES))):
        if not content:
            break
        at = draw(st.integers(0, len(content) - 1))
        end = min(len(content), at + draw(st.integers(1, _LONGEST_PIECE)))
        match draw(st.sampled_from(["flip", "set", "cut", "repeat", "move", "splice", "truncate", "insert"])):
            case "flip":
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "set":
                content[at] = draw(st.sampled_from(_EXTREME_BYTES))
            case "cut":
                del content[at:end]
            case "repeat":
                content[at:at] = content[at:end] * draw(st.sampled_from([1, 2, 50]))
            case "move":
                piece = content[at:end]
                del content[at:end]
                to = draw(st.integers(0, len(content)))
                content[to:to] = piece
            case "splice":
                other = draw(st.sampled_from(seeds))
                content[at:] = other[min(at, len(other)) :]
            case "truncate":
                del content[at:]
            case _:
                content[at:at] = draw(st.binary(min_size=1, max_size=8))
    return bytes(content)


@st.composite
def changed_text(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A seed with a few words replaced by extreme ones or by each other, or lines repeated, dropped or swapped."""
    content = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, _MOST_CHANGES))):
        if draw(st.booleans()):
            lines = content.splitlines(keepends=True)
            if not lines:
                break
            one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            match draw(st.sampled_from(["drop", "repeat", "swap"])):
                case "drop":
                    del lines[one]
                case "repeat":
                    lines.insert(other, lines[one])
                case _:
                    lines[one], lines[other] = lines[other], lines[one]
            content = b"".join(lines)
            continue
        words = list(_WORD.finditer(content))
        if not words:
            break
        word = draw(st.sampled_from(words))
        others = st.sampled_from(words).map(lambda found: found.group())
        content = content[: word.start()] + draw(st.sampled_from(_EXTREME_WORDS) | others) + content[word.end() :]
    return content


_INTEGERS: dict[int, tuple[int, ...]] = {
    FieldDescriptor.CPPTYPE_INT32: (0, 1, -1, 2**31 - 1, -(2**31)),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1, 2**31, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1, 2**40, 2**53 + 1, 2**63, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (0, 1, 30, 2**31 - 1, -1),
}
_TEXTS = ("", "cjib", "../../etc/passwd", "\x1b[2J\n", "x" * 5000, "\u202e")
_CONTENTS = (b"", bytes(16), bytes(32), b"\xff" * 64, bytes(5000))


@st.composite
def changed_message(draw: st.DrawFn, seeds: tuple[Message, ...]) -> bytes:
    """A message with a few fields, at any depth, set to extremes, emptied, repeated or in another order."""
    seed = draw(st.sampled_from(seeds))
    message = type(seed)()
    message.CopyFrom(seed)
    for _ in range(draw(st.integers(1, _MOST_CHANGES))):
        _change(draw, message)
    return message.SerializeToString()


def _change(draw: st.DrawFn, message: Message) -> None:
    fields = message.DESCRIPTOR.fields
    if not fields:
        return
    # A field that is set is a better place than one that is not: of a oneof only one is.
    present = [descriptor for descriptor, _ in message.ListFields()]
    field = draw(st.sampled_from(present * 4 + list(fields)))
    value = getattr(message, field.name)
    if isinstance(value, MutableSequence):
        _change_list(draw, value, field)
    elif isinstance(value, Message):
        if draw(st.integers(0, 4)) == 0:
            message.ClearField(field.name)
        else:
            value.SetInParent()
            _change(draw, value)
    else:
        setattr(message, field.name, draw(_values(field)))


def _change_list(draw: st.DrawFn, values: MutableSequence[Any], field: FieldDescriptor) -> None:
    kept = list(values)
    match draw(st.sampled_from(["empty", "repeat", "turn", "change"])):
        case "empty":
            del values[:]
        case "repeat":
            values.extend(kept)
        case "turn":
            del values[:]
            values.extend(kept[::-1])
        case _ if field.cpp_type != FieldDescriptor.CPPTYPE_MESSAGE:
            values.append(draw(_values(field)))
        case _ if kept:
            _change(draw, values[draw(st.integers(0, len(kept) - 1))])


def _values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return st.sampled_from(_CONTENTS) | st.binary(max_size=64)
        case FieldDescriptor.CPPTYPE_STRING:
            return st.sampled_from(_TEXTS) | st.text(max_size=40)
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return st.floats()
    return st.sampled_from(_INTEGERS[field.cpp_type])

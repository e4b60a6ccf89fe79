"""The batched OPRF: both sides compute the same function, and only where they should."""

from __future__ import annotations

import numpy as np
import pytest

from psi_match.base.randomness import SeededRandomness
from psi_match.protocols import oprf

SID = bytes(range(32))
BINS = 200
PIECES = [(0, 64), (64, 130), (130, 200)]
"""Chunks that do not end at a multiple of 64: both ends must round up alike."""


def _parties(sid: bytes = SID, instance: int = 0) -> tuple[oprf.Receiver, oprf.Sender, list[int]]:
    rng = SeededRandomness(b"oprf")
    pairs = [(rng.bytes(16), rng.bytes(16)) for _ in range(448)]
    choices = oprf.choice_bits(rng.bytes(oprf.CHOICE_BYTES))
    chosen = [pair[choice] for pair, choice in zip(pairs, choices, strict=True)]
    code = oprf.Code(sid)
    return oprf.Receiver(pairs, code, instance), oprf.Sender(chosen, choices, code, instance), choices


def _items(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (BINS, 16), dtype=np.uint8)


def _evaluate(receiver: oprf.Receiver, sender: oprf.Sender, mine: np.ndarray, theirs: np.ndarray) -> tuple:
    outputs, values = [], []
    for start, stop in PIECES:
        message, output = receiver.chunk(start, mine[start:stop])
        here = sender.absorb(start, message)
        outputs.append(output)
        values.append(here.evaluate(np.arange(start, stop, dtype=np.uint32), theirs[start:stop]))
    return np.concatenate(outputs), np.concatenate(values)


def test_equal_items_give_equal_values_and_others_do_not() -> None:
    receiver, sender, _ = _parties()
    mine = _items()
    theirs = mine.copy()
    theirs[::2] = _items(1)[::2]
    outputs, values = _evaluate(receiver, sender, mine, theirs)
    same = (outputs == values).all(axis=1)
    assert np.array_equal(same, np.arange(BINS) % 2 == 1)
    assert len({value.tobytes() for value in np.concatenate([outputs, values[::2]])}) == BINS + BINS // 2


def test_one_item_has_another_value_in_every_bin_and_instance() -> None:
    item = np.tile(_items()[:1], (BINS, 1))
    seen = set()
    for instance in (0, 1):
        receiver, sender, _ = _parties(instance=instance)
        outputs, values = _evaluate(receiver, sender, item, item)
        assert np.array_equal(outputs, values)
        seen |= {value.tobytes() for value in outputs}
    assert len(seen) == 2 * BINS


def test_code_words_depend_on_the_session() -> None:
    assert not np.array_equal(oprf.Code(SID).words(_items()), oprf.Code(bytes(32)).words(_items()))


def test_code_words_of_different_items_differ_in_at_least_128_bits() -> None:
    words = np.hstack(oprf.Code(SID).words(_items()))[:, :7]
    for row in range(1, BINS):
        assert int(np.bitwise_count(words[0] ^ words[row]).sum()) >= 128


def test_a_masked_row_shows_neither_item_nor_pad_to_the_sender() -> None:
    # The sender knows one of the two pads of each column. With the other one it could solve for the code word.
    receiver, _, _ = _parties()
    first, _ = receiver.chunk(0, _items()[:64])
    again, _, _ = _parties()
    second, _ = again.chunk(0, _items(1)[:64])
    code = oprf.Code(SID)
    first_words, second_words = (np.hstack(code.words(_items(seed)[:64])) for seed in (0, 1))
    difference = (first_words ^ second_words)[:, :7]
    assert np.array_equal(first.rows.view(np.uint64) ^ second.rows.view(np.uint64), difference), (
        "equal pads must cancel: this is why keys are never used for a second instance"
    )


@pytest.mark.parametrize("instance", [0, 1, 2**48 - 1])
def test_personalisation_is_purpose_and_instance(instance: int) -> None:
    assert oprf.person(instance) == b"F1" + instance.to_bytes(6, "big")

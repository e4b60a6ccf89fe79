"""What SECURITY.md says a leader can do that breaks the protocol: the limit of semi-honest security, kept as a test.

KKRT is secure against a leader that sends rows masked with code words. This one adds an error of a few bits to the rows
of people of its own who are in the data party's set (here it knows them, which is not needed): the answer for such a
person is then right for one value of as many of the data party's choice bits, which it finds by trying. With all
choice bits it evaluates the OPRF anywhere, after the run, and reads the whole set. If this test fails because a check
stops the leader, the pages that say so must change.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from support.protocol import terms_for

from psi_match.base.randomness import RandomSource, SystemRandomness
from psi_match.crypto.aes import KEY_BYTES, KeyStreams
from psi_match.crypto.blake2s import blake2s_rows
from psi_match.crypto.hashes import HASHES
from psi_match.crypto.items import encode_items, item_bins
from psi_match.protocols import base_ot, oprf, psi
from psi_match.protocols.agreed import PairTerms
from psi_match.protocols.effects import Role, recv, send
from psi_match.protocols.sizes import FRAME_PAYLOAD_BYTES, chunks
from psi_match.protocols.tables import CuckooTable, positions_key
from psi_match.sim.simulator import simulate

SPACE = 20_000
"""Stands for all BSNs; trying 90.9 million takes minutes instead of a moment."""
BITS_A_PERSON = 14
WORDS = base_ot.TRANSFERS // 64


def test_a_leader_that_breaks_the_protocol_reads_the_whole_set() -> None:
    data = np.sort(np.random.default_rng(1).choice(np.arange(1, SPACE, dtype=np.uint32), 256, replace=False))
    known = data[: -(-base_ot.TRANSFERS // BITS_A_PERSON)]
    terms = terms_for(256, 256)
    leader = _cheat(terms, known, SystemRandomness())
    answer = psi.answer(terms, data, SystemRandomness())
    found = simulate({terms.leader: leader, terms.data_party: answer}).results[terms.leader]
    assert len(known) == 32
    assert found.tolist() == data.tolist()


def _cheat(terms: PairTerms, known: NDArray[np.uint32], rng: RandomSource) -> Role[NDArray[np.uint32]]:
    table = CuckooTable.build(terms.sid, known, terms.bins)
    keys = yield from base_ot.send_keys(terms.data_party, base_ot.OtLabel(terms.sid, terms.instance), rng)
    code = oprf.Code(terms.sid)
    items, occupied, rows, _ = table.items(0, terms.bins, KeyStreams([rng.bytes(KEY_BYTES)]))
    message, _ = oprf.Receiver(keys, code, terms.instance).chunk(0, items)
    pads = oprf._columns_to_rows(KeyStreams([pair[0] for pair in keys]), terms.bins)[: terms.bins]
    words = np.hstack(code.words(items))[:, :WORDS]
    masked = np.ascontiguousarray(message.rows).view("<u8").copy()
    asked: dict[int, slice] = {}
    for place, row in zip(np.flatnonzero(occupied) if occupied.dtype == bool else occupied, rows, strict=True):
        bits = slice(int(row) * BITS_A_PERSON, min(base_ot.TRANSFERS, (int(row) + 1) * BITS_A_PERSON))
        error = np.zeros(base_ot.TRANSFERS, dtype=np.uint8)
        error[bits] = 1
        masked[place] ^= _packed(error)
        words[place] ^= _packed(error)
        asked[int(place)] = bits
    yield from send(terms.data_party, oprf.MaskedRows(masked.view(np.uint8)))
    seen = set()
    for _ in range(HASHES):
        for start, stop in chunks(terms.data_size, FRAME_PAYLOAD_BYTES // terms.value_bytes):
            got = yield from recv(terms.data_party, psi.CutValues, (stop - start, terms.value_bytes))
            seen |= {value.tobytes() for value in got.rows}
    choices = np.zeros(base_ot.TRANSFERS, dtype=np.uint8)
    for place, bits in asked.items():
        choices[bits] = _guess(terms, pads[place], place, bits, seen)
    return _everyone(terms, code, pads, words, _packed(choices), seen)


def _guess(terms: PairTerms, pad: NDArray[np.uint64], place: int, bits: slice, seen: set[bytes]) -> NDArray[np.uint8]:
    """Return the choice bits for which the answer of a known person is among those that were seen."""
    width = bits.stop - bits.start
    guesses = ((np.arange(1 << width)[:, None] >> np.arange(width)) & 1).astype(np.uint8)
    errors = np.zeros((len(guesses), base_ot.TRANSFERS), dtype=np.uint8)
    errors[:, bits] = guesses
    values = _values(terms, pad ^ _packed(errors), np.full(len(guesses), place))
    (hit,) = [guess for guess, value in zip(guesses, values, strict=True) if value.tobytes() in seen]
    return hit


def _everyone(
    terms: PairTerms,
    code: oprf.Code,
    pads: NDArray[np.uint64],
    words: NDArray[np.uint64],
    choices: NDArray[np.uint64],
    seen: set[bytes],
) -> NDArray[np.uint32]:
    """Evaluate the OPRF for everybody, with no further word from the data party."""
    everybody = np.arange(1, SPACE, dtype=np.uint32)
    places = item_bins(positions_key(terms.sid), everybody, terms.bins)
    members = np.zeros(len(everybody), dtype=np.bool_)
    for index in range(HASHES):
        place = places[:, index]
        items = encode_items(everybody, np.full(len(everybody), index, np.uint8))
        wanted = np.hstack(code.words(items))[:, :WORDS]
        values = _values(terms, pads[place] ^ ((words[place] ^ wanted) & choices), place)
        members |= [value.tobytes() in seen for value in values]
    return everybody[members]


def _values(terms: PairTerms, rows: NDArray[np.uint64], places: NDArray[np.int64]) -> NDArray[np.uint8]:
    hashed = blake2s_rows(
        np.ascontiguousarray(rows).view(np.uint8), places.astype(np.uint64), oprf.person(terms.instance)
    )
    return hashed[:, : terms.value_bytes]


def _packed(bits: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.packbits(bits, axis=-1, bitorder="little").view("<u8")

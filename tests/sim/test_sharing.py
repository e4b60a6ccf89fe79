"""Replicated sharing: inputs, random inputs, evaluation and opening against plain values; sizes tell nothing."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from hypothesis import given, settings
from hypothesis import strategies as st
from support.joint import PARTIES, SID, among_three, random_planes, results, reveal, rng_of, share

from psi_match.crypto.aes import KeyStreams
from psi_match.crypto.derive import secret_key
from psi_match.protocols.circuits import ONE, ZERO, Circuit, CircuitBuilder
from psi_match.protocols.effects import Role
from psi_match.protocols.integers import ADDERS, Adder, Arithmetic, Number, bits_for
from psi_match.protocols.planes import from_planes, to_planes
from psi_match.protocols.sharing import (
    announce_inputs,
    evaluate,
    exchange_keys,
    expect_inputs,
    give_input,
    give_random,
    open_to,
    receive_opened,
    take_input,
    take_random,
)
from psi_match.sim.simulator import simulate

WORDS = 5


def example(adder: Adder = "ripple") -> Circuit:
    builder = CircuitBuilder()
    arithmetic = Arithmetic(builder, adder)
    x, y, z = (Number(builder.input(name, 20), 0, (1 << 20) - 1) for name in "xyz")
    builder.output("less", [arithmetic.less_than(arithmetic.add(x, y), z)])
    builder.output("difference", arithmetic.subtract(x, y).wires)
    builder.output("constants", [ONE, ZERO])
    builder.output("through", x.wires[:1])
    return builder.build()


@pytest.mark.parametrize("adder", ADDERS)
def test_evaluation_on_shares_equals_the_plain_circuit(adder: Adder) -> None:
    circuit = example(adder)
    values = {name: random_planes(20, WORDS, seed) for seed, name in enumerate("xyz")}
    inputs = [{name: share(planes, 9)[i] for name, planes in values.items()} for i in range(3)]
    run = among_three(lambda me, own: evaluate(circuit, me, own, WORDS, ("test",)), inputs)
    plain = circuit.evaluate(values)
    for name in circuit.output_bits():
        assert np.array_equal(reveal([result[name] for result in results(run)]), plain[name]), name


@settings(max_examples=30, deadline=None)
@given(data=st.data(), adder=st.sampled_from(ADDERS))
def test_circuits_compute_integers(data: st.DataObject, adder: Adder) -> None:
    ends = st.integers(-(2**20), 2**20)
    low_a, high_a = sorted((data.draw(ends), data.draw(ends)))
    low_b, high_b = sorted((data.draw(ends), data.draw(ends)))
    builder = CircuitBuilder()
    arithmetic = Arithmetic(builder, adder)
    a = Number(builder.input("a", bits_for(low_a, high_a)), low_a, high_a)
    b = Number(builder.input("b", bits_for(low_b, high_b)), low_b, high_b)
    less = arithmetic.less_than(a, b)
    numbers = {
        "sum": arithmetic.add(a, b),
        "difference": arithmetic.subtract(a, b),
        "smaller": arithmetic.select(less, a, b),
        "total": arithmetic.total([a, b, a, arithmetic.constant(-3)]),
        "masked": arithmetic.masked(less, a),
    }
    for name, number in numbers.items():
        builder.output(name, number.wires)
        assert number.bits == bits_for(number.low, number.high)
    builder.output("less", (less,))
    builder.output("equal", (arithmetic.equal(a, b),))
    circuit = builder.build()
    left = [low_a, high_a, *data.draw(st.lists(st.integers(low_a, high_a), max_size=20))]
    right = [
        low_b,
        high_b,
        *data.draw(st.lists(st.integers(low_b, high_b), min_size=len(left) - 2, max_size=len(left) - 2)),
    ]
    pairs = list(zip([*left, low_a, high_a], [*right, high_b, low_b], strict=True))
    xs, ys = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    out = circuit.evaluate({"a": to_planes(xs, a.bits, 1), "b": to_planes(ys, b.bits, 1)})
    expected: dict[str, Any] = {
        "sum": [x + y for x, y in pairs],
        "difference": [x - y for x, y in pairs],
        "smaller": [min(x, y) for x, y in pairs],
        "total": [2 * x + y - 3 for x, y in pairs],
        "masked": [x if x < y else 0 for x, y in pairs],
        "less": [x < y for x, y in pairs],
        "equal": [x == y for x, y in pairs],
    }
    for name, values in expected.items():
        signed = name in numbers and numbers[name].low < 0
        assert from_planes(out[name], len(pairs), signed=signed).tolist() == values, name


def test_the_sum_and_comparison_of_64_bits_take_129_ands() -> None:
    builder = CircuitBuilder()
    arithmetic = Arithmetic(builder)
    a, b = (Number(builder.input(name, 64), 0, 2**64 - 1) for name in "ab")
    c = Number(builder.input("c", 65), 0, 2**65 - 1)
    builder.output("less", [arithmetic.less_than(arithmetic.add(a, b), c)])
    circuit = builder.build()
    assert (circuit.and_gates, circuit.depth, circuit.widest_level) == (129, 65, 2)


@pytest.mark.parametrize("owner", [*PARTIES, "outsider"])
@pytest.mark.parametrize("recipient", [*PARTIES, "outsider"])
def test_inputs_of_anyone_reach_any_recipient_and_nobody_else(owner: str, recipient: str) -> None:
    values = random_planes(7, WORDS)

    def inside(me: Any, _: object) -> Role[Any]:
        party = me.parties[me.index]
        source = (yield from expect_inputs(me, owner)) if owner == "outsider" else owner
        if party == owner:
            shares = yield from give_input(me, values, ("in",))
        else:
            shares = yield from take_input(me, source, 7, WORDS, ("in",))
        opened = yield from open_to(me, recipient, shares, ("out",))
        return shares, opened

    def outside() -> Role[Any]:
        if owner == "outsider":
            giver = yield from announce_inputs(PARTIES, SID, rng_of("outsider"))
            assert (yield from give_input(giver, values, ("in",))) is None
        return (yield from receive_opened(PARTIES, 7, WORDS)) if recipient == "outsider" else None

    run = among_three(inside, [None] * 3, {"outsider": outside()})
    assert np.array_equal(reveal([shares for shares, _ in results(run)]), values)
    opened = {party: run.results[party][1] for party in PARTIES} | {"outsider": run.results["outsider"]}
    for party, seen in opened.items():
        assert np.array_equal(seen, values) if party == recipient else seen is None


@pytest.mark.parametrize("owner", [*PARTIES, "outsider"])
def test_a_random_input_is_the_sum_of_its_streams_and_costs_nothing_per_row(owner: str) -> None:
    def inside(me: Any, _: object) -> Role[Any]:
        party = me.parties[me.index]
        if party == owner:
            values, held = yield from give_random(PARTIES, party, 70, rng_of(party))
            assert held is not None
            return held.read(3), values.read_values(3)
        held = yield from take_random(owner, 70)
        return held.read(2 if party == PARTIES[0] else 3)[:, :, :2], None  # chunks differ, the stream does not

    def outside() -> Role[Any]:
        values, held = yield from give_random(PARTIES, "outsider", 70, rng_of("outsider"))
        assert held is None
        return values.read_values(3)

    others = {"outsider": outside()} if owner == "outsider" else {}
    run = among_three(inside, [None] * 3, others)
    values = run.results["outsider"] if owner == "outsider" else run.results[owner][1]
    assert np.array_equal(reveal([shares[:, :, :2] for shares, _ in results(run)]), values[:, :2])
    seeds = [sent.size for sent in run.sent if sent.message.STEP == "random-seeds"]
    assert set(seeds) == {32}


def test_zero_shares_cancel_and_differ_by_path_and_purpose() -> None:
    def step(me: Any, path: Any) -> Role[Any]:
        yield from ()
        return me.with_next("zero", path).read(64)[0] ^ me.with_previous("zero", path).read(64)[0]

    same = results(among_three(step, [("turn", 0)] * 3))
    assert not (same[0] ^ same[1] ^ same[2]).any()
    assert all(part.any() for part in same)
    other = results(among_three(step, [("turn", 1)] * 3))
    assert not np.array_equal(same[0], other[0])
    keys = {
        secret_key(b"k" * 32, SID, purpose, *path)
        for purpose in ("zero", "input")
        for path in ((1, 23), (12, 3), (123,))
    }
    assert len(keys) == 6
    # A known answer, computed here: a keyed BLAKE2s of the fields with their lengths, then AES in counter mode.
    fields = (b"zero", SID, b"1")
    content = b"".join(len(field).to_bytes(8, "big") + field for field in fields)
    key = hashlib.blake2s(content, key=b"k" * 32, person=b"psimatch").digest()[:16]
    stream = Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(64))
    assert KeyStreams([secret_key(b"k" * 32, SID, "zero", 1)]).read(64)[0].tobytes() == stream


def test_messages_have_the_same_size_whatever_the_values() -> None:
    circuit = example()
    sizes = []
    for seed in (1, 2):
        values = [{n: share(random_planes(20, WORDS, seed), seed)[i] for n in "xyz"} for i in range(3)]
        if seed == 2:
            values = [{n: np.zeros_like(v) for n, v in own.items()} for own in values]
        sizes.append(among_three(lambda me, own: evaluate(circuit, me, own, WORDS, ("s",)), values).sizes())
    assert sizes[0] == sizes[1]


def test_keys_do_not_print() -> None:
    run = simulate({party: exchange_keys(PARTIES, party, SID, rng_of(party)) for party in PARTIES})
    for party in PARTIES:
        assert repr(run.results[party]) == f"ComputeParty({party})"
        assert all("32" in repr(message) for message in run.view(party))

"""Vector OLE over GF(2^128), made from little: the receiver gets A and C, the sender D and B, with C = A * D + B.

A and D are random, and a vector of a million rows costs some 2.3 megabytes. In batches:

1. The receiver draws a sparse vector e: one random element beta at a random place alpha in each of ``NOISE`` blocks.
2. For these elements alone both get a vector OLE in the plain way, c = beta * D + b, bit by bit of D from base OTs in
   which the sender chose with the bits of D (first batch), or from the last rows of the batch before.
3. Per block the sender grows a tree of seeds. By oblivious transfer the receiver learns all of its leaves but that at
   alpha, and from the sum of all leaves and its c it makes the value there differ by beta * D. So both hold vectors
   c' and b' with c' = e * D + b'.
4. Both compress with the public code: C, B and A are the images of c', b' and e. A is pseudorandom by the assumption of
   learning parity with noise (docs/protocols/vole.md).

Reveals:
    Sender: the number of rows. Of e it sees nothing but masked values; that A looks random to it, and so hides what is
    added to it, rests on learning parity with noise.
    Receiver: the number of rows; if it follows the steps nothing about D, of which it holds only c, hidden by b. One
    whose products or choices contradict each other gets C = A * D + B + f(D) with a linear f of its choice:
    docs/threat-model.md, section 5.

Source:
    Boyle, Couteau, Gilboa, Ishai, Kohl, Rindal, Scholl, Efficient Two-Round OT Extension and Silent Non-Interactive
    Secure Computation (ePrint 2019/1159): the generator and step 3. Gilboa (CRYPTO 1999): products from transfers, step
    2. Yang, Weng, Lan, Zhang, Wang, Ferret (ePrint 2020/924): feeding a batch from the one before. Code: see
    ``crypto.expand_convolute``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.base.randomness import RandomSource
from psi_match.crypto.aes import KeyStreams
from psi_match.crypto.derive import public_key
from psi_match.crypto.expand_convolute import compress
from psi_match.crypto.gf128 import DEGREE, ELEMENT_BYTES, WORDS, doubled_rows
from psi_match.crypto.puncturable import Generator, depth
from psi_match.protocols import ot_extension
from psi_match.protocols.effects import Role, Rows, recv, send

NOISE = 560
"""Places of e that are not zero, one per block: t in what follows. A linear test that looks at a share d of all places
sees nothing of e with probability (1 - d)^t, which is 2^-131 for d = 0.15, the lower of two estimates that the code's
authors have used for the lightest test that one can find. And were the code binary, elimination would find the places
once fewer than 128 are left over: at rate 1/2 that has probability 2^-132."""

BATCH_ROWS = 1 << 18
"""Rows of one batch at most: what the compression gathers from then stays in a processor's cache."""

SMALLEST_BATCH = 1 << 12
BASE_TRANSFERS = DEGREE + ot_extension.COLUMNS
"""Base OTs of one instance: one per bit of D, and those of the extension."""


class MaskedProducts(Rows):
    """Step 2: per bit of D the receiver's elements, masked: (128, 16 * NOISE)."""

    STEP = "vole-products"


class LevelSums(Rows):
    """Step 3: per block and level both sums of nodes, masked by transfers: (NOISE * levels, 32)."""

    STEP = "vole-levels"


class BlockSums(Rows):
    """Step 3: per block the sum of all leaves and b: (NOISE, 16)."""

    STEP = "vole-blocks"


@dataclass(frozen=True, slots=True)
class Batch:
    """The public shape of one batch.

    Args:
        rows: what it gives, whole blocks.
        used: how many of these are rows of the result; the others are dropped, or feed the next batch.
    """

    rows: int
    used: int

    @property
    def leaves(self) -> int:
        """Leaves per block: the code maps 2n positions to n."""
        return 2 * self.rows // NOISE

    @property
    def levels(self) -> int:
        """Levels of a block's tree."""
        return depth(self.leaves)

    @property
    def transfers(self) -> int:
        """Oblivious transfers: one per block and level."""
        return NOISE * self.levels


def batches(rows: int) -> list[Batch]:
    """Split ``rows`` into batches of equal size; each but the last gives ``NOISE`` rows more, for the next one."""
    count = max(1, -(-rows // (BATCH_ROWS - NOISE)))
    plan = []
    for index in range(count):
        used = rows // count + (index < rows % count)
        needed = max(SMALLEST_BATCH, used + NOISE * (index < count - 1))
        # Whole blocks: 2n positions are a multiple of the noise.
        plan.append(Batch(-(-needed // (NOISE // 2)) * (NOISE // 2), used))
    return plan


def message_count(rows: int) -> int:
    """Return the messages for so many rows, both directions, base OTs apart."""
    return 1 + 3 * len(batches(rows))


def sent_bytes(rows: int) -> int:
    """Return the bytes of all messages for so many rows, both directions, base OTs apart."""
    total = DEGREE * NOISE * ELEMENT_BYTES
    for batch in batches(rows):
        choices = math.prod(ot_extension.message_shape(batch.transfers))
        total += choices + batch.transfers * 2 * ELEMENT_BYTES + NOISE * ELEMENT_BYTES
    return total


def _generator(sid: bytes, instance: int, batch: int) -> Generator:
    """The generator of one batch: with keys of its own, so that nobody searches the seeds of several at once."""
    left, right = (public_key(sid, f"vole-tree/{instance}/{batch}/{side}") for side in ("left", "right"))
    return Generator((left, right))


def _code(sid: bytes, instance: int, batch: int) -> bytes:
    return public_key(sid, f"vole-code/{instance}/{batch}")


@dataclass(frozen=True, slots=True, repr=False)
class _Drawn:
    """The receiver's secrets of one batch.

    Args:
        alpha: (NOISE,) place within each block.
        keys: (NOISE, levels, 2) keys of the chosen transfers.
    """

    alpha: NDArray[np.int64]
    keys: NDArray[np.uint64]


class Receiver:
    """The receiver's roles: ``ask`` once, then ``batch`` for every batch of ``plan`` in order.

    Args:
        sender: party id of the sender.
        sid: session id.
        instance: number of this instance in the session's plan.
        rows: how many.
        keys: both keys of each of ``BASE_TRANSFERS`` base OTs, used for nothing else.
        rng: fresh local randomness.
    """

    def __init__(
        self,
        sender: str,
        sid: bytes,
        instance: int,
        rows: int,
        keys: list[tuple[bytes, bytes]],
        rng: RandomSource,
    ) -> None:
        self.plan = batches(rows)
        self._sender, self._sid, self._rng = sender, sid, rng
        self._product_keys = keys[:DEGREE]
        self._extension = ot_extension.Receiver(keys[DEGREE:], instance)
        self._instance = instance
        self._drawn: list[_Drawn] = []
        self._beta = self._products = np.empty((0, WORDS), dtype=np.uint64)

    def ask(self) -> Role[None]:
        """Send what the sender needs for all batches.

        Reveals:
            To the sender: the number of rows.
        """
        self._beta = _random_rows(NOISE, self._rng)
        message, self._products = _mask_products(self._product_keys, self._beta)
        yield from send(self._sender, message)
        for batch in self.plan:
            choices, drawn = _draw(batch, self._extension, self._rng)
            self._drawn.append(drawn)
            yield from send(self._sender, choices)

    def batch(self, number: int) -> Role[tuple[NDArray[np.uint64], NDArray[np.uint64]]]:
        """Return A and C of the next batch, (rows, 2) words each.

        Raises:
            PeerError: the sender sends something that is not of the agreed kind or size.
        """
        batch = self.plan[number]
        sums = yield from recv(self._sender, LevelSums, (batch.transfers, 2 * ELEMENT_BYTES))
        totals = yield from recv(self._sender, BlockSums, (NOISE, ELEMENT_BYTES))
        generator = _generator(self._sid, self._instance, number)
        sparse = _plant(batch, self._drawn[number], generator, sums, totals, self._beta, self._products)
        both = compress(_code(self._sid, self._instance, number), sparse)
        self._beta, self._products = both[-NOISE:, :WORDS].copy(), both[-NOISE:, WORDS:].copy()
        return both[: batch.used, :WORDS], both[: batch.used, WORDS:]


class Sender:
    """The sender's roles: ``attend`` once, then ``batch`` for every batch of ``plan`` in order.

    Args:
        receiver: party id of the receiver.
        sid: session id.
        instance: number of this instance in the session's plan.
        rows: how many.
        keys: the chosen key of each of ``BASE_TRANSFERS`` base OTs, used for nothing else.
        choices: its choices in them; the first 128 are the bits of D.
        rng: fresh local randomness.
    """

    def __init__(
        self,
        receiver: str,
        sid: bytes,
        instance: int,
        rows: int,
        keys: list[bytes],
        choices: list[int],
        rng: RandomSource,
    ) -> None:
        self.plan = batches(rows)
        self.scalar = scalar(choices)
        self._receiver, self._sid, self._rng = receiver, sid, rng
        self._product_keys, self._choices = keys[:DEGREE], choices[:DEGREE]
        self._extension = ot_extension.Sender(keys[DEGREE:], choices[DEGREE:], instance)
        self._instance = instance
        self._masks: list[NDArray[np.uint64]] = []
        self._shares = np.empty((0, WORDS), dtype=np.uint64)

    def attend(self) -> Role[None]:
        """Take in what the receiver sends for all batches.

        Raises:
            PeerError: it is not of the agreed kind or size.
        """
        message = yield from recv(self._receiver, MaskedProducts, (DEGREE, NOISE * ELEMENT_BYTES))
        self._shares = _sum_products(self._product_keys, self._choices, message)
        for batch in self.plan:
            shape = ot_extension.message_shape(batch.transfers)
            masked = yield from recv(self._receiver, ot_extension.MaskedChoices, shape)
            self._masks.append(self._extension.extend(batch.transfers, masked))

    def batch(self, number: int) -> Role[NDArray[np.uint64]]:
        """Return B of the next batch, (rows, 2) words.

        Reveals:
            To the receiver: nothing about D, if it followed the steps.
        """
        batch, masks = self.plan[number], self._masks[number]
        generator = _generator(self._sid, self._instance, number)
        leaves, sums = generator.grow(_random_rows(NOISE, self._rng), batch.leaves)
        masked_sums = sums.reshape(batch.transfers, -1) ^ masks.reshape(batch.transfers, -1)
        yield from send(self._receiver, LevelSums(masked_sums.view(np.uint8)))
        # Of all leaves, used or not.
        totals = sums[:, -1, 0] ^ sums[:, -1, 1] ^ self._shares
        yield from send(self._receiver, BlockSums(totals.view(np.uint8)))
        compressed = compress(_code(self._sid, self._instance, number), leaves.reshape(-1, WORDS))
        self._shares = compressed[-NOISE:].copy()
        return compressed[: batch.used]


def scalar(choices: list[int]) -> NDArray[np.uint64]:
    """Return D, (2,) words, of the sender's choices in the base OTs."""
    words: NDArray[np.uint64] = np.packbits(np.array(choices[:DEGREE], dtype=np.uint8), bitorder="little").view("<u8")
    return words


def _random_rows(count: int, rng: RandomSource) -> NDArray[np.uint64]:
    return np.frombuffer(rng.bytes(ELEMENT_BYTES * count), dtype="<u8").reshape(count, WORDS)


def _mask_products(
    keys: list[tuple[bytes, bytes]], beta: NDArray[np.uint64]
) -> tuple[MaskedProducts, NDArray[np.uint64]]:
    """Mask beta * x^i for every bit i of D; c is the sum of the masks that a bit of zero leaves."""
    size = len(beta) * ELEMENT_BYTES
    zero = KeyStreams([pair[0] for pair in keys]).read(size)
    masked = zero ^ KeyStreams([pair[1] for pair in keys]).read(size)
    power = beta
    for bit in range(DEGREE):
        masked[bit] ^= power.view(np.uint8).reshape(-1)
        power = doubled_rows(power)
    return MaskedProducts(masked), np.bitwise_xor.reduce(zero, axis=0).view("<u8").reshape(-1, WORDS)


def _sum_products(keys: list[bytes], choices: list[int], message: MaskedProducts) -> NDArray[np.uint64]:
    """Return b: what the sender's streams and the messages of its one bits add up to."""
    streams = KeyStreams(keys).read(message.rows.shape[1])
    streams ^= message.rows & (np.array(choices, dtype=np.uint8)[:, None] * np.uint8(0xFF))
    total: NDArray[np.uint64] = np.bitwise_xor.reduce(streams, axis=0).view("<u8").reshape(-1, WORDS)
    return total


def _draw(
    batch: Batch, extension: ot_extension.Receiver, rng: RandomSource
) -> tuple[ot_extension.MaskedChoices, _Drawn]:
    """Draw the places of a batch, and choose at each level the side where the path does not go."""
    # Of a 64-bit word and at most 2^12 leaves the product is within 2^-52 of uniform.
    words = np.frombuffer(rng.bytes(8 * NOISE), dtype="<u8")
    alpha = np.array([int(word) * batch.leaves >> 64 for word in words], dtype=np.int64)
    shifts = np.arange(batch.levels - 1, -1, -1)
    away = 1 - ((alpha[:, None] >> shifts) & 1)
    message, keys = extension.extend(away.reshape(-1).astype(np.uint8), rng)
    return message, _Drawn(alpha, keys.reshape(NOISE, batch.levels, WORDS))


def _plant(
    batch: Batch,
    secrets: _Drawn,
    generator: Generator,
    sums: LevelSums,
    totals: BlockSums,
    beta: NDArray[np.uint64],
    products: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    """Return e and c' side by side, (NOISE * leaves, 4) words."""
    block, levels = np.arange(NOISE), np.arange(batch.levels)
    both = np.ascontiguousarray(sums.rows).view("<u8").reshape(NOISE, batch.levels, 2, WORDS)
    away = 1 - ((secrets.alpha[:, None] >> (batch.levels - 1 - levels)) & 1)
    chosen = both[block[:, None], levels, away] ^ secrets.keys
    leaves, known = generator.grow_punctured(secrets.alpha, chosen, batch.leaves)
    received = np.ascontiguousarray(totals.rows).view("<u8")
    leaves[block, secrets.alpha] = known ^ received ^ products
    sparse = np.zeros((NOISE * batch.leaves, 2 * WORDS), dtype=np.uint64)
    sparse[:, WORDS:] = leaves.reshape(-1, WORDS)
    sparse[block * batch.leaves + secrets.alpha, :WORDS] = beta
    return sparse


def plaintext_products(a: NDArray[np.uint64], b: NDArray[np.uint64], factor: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The plaintext twin: a * D + b, by schoolbook multiplication of Python integers."""
    out = np.empty_like(a)
    d = int.from_bytes(factor.astype("<u8").tobytes(), "little")
    for row in range(len(a)):
        left, product = int.from_bytes(a[row].astype("<u8").tobytes(), "little"), 0
        for bit in range(DEGREE):
            product ^= (left << bit) * (d >> bit & 1)
        while product.bit_length() > DEGREE:
            product ^= ((1 << DEGREE) | 0x87) << (product.bit_length() - 1 - DEGREE)
        out[row] = np.frombuffer(product.to_bytes(ELEMENT_BYTES, "little"), dtype="<u8") ^ b[row]
    return out

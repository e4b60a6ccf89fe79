"""Hash buckets: capacities against the exact tail, tables against the union bound, and who falls where."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from support.protocol import SID, terms_for
from support.sets import numbers

from psi_match.base.errors import BucketOverflow
from psi_match.crypto.expanded_seed import ExpandedSeed
from psi_match.protocols import buckets, sizes
from psi_match.protocols.buckets import BucketTerms, bucket_count, bucket_of, capacity, split

LADDER = [sizes.SMALLEST_PUBLIC_SIZE]
while LADDER[-1] < sizes.LARGEST_PUBLIC_SIZE:
    LADDER.append(sizes.ladder_step(LADDER[-1] + 1))


def _log2_tail(trials: int, buckets: int, above: int) -> float:
    """The exact binomial tail, as -log2 of the chance that one bucket gets more than ``above`` rows."""
    p = 1 / buckets
    terms = [
        math.lgamma(trials + 1)
        - math.lgamma(k + 1)
        - math.lgamma(trials - k + 1)
        + k * math.log(p)
        + (trials - k) * math.log1p(-p)
        for k in range(above + 1, min(trials, above + 3000) + 1)
    ]
    if not terms:
        return math.inf
    largest = max(terms)
    return -(largest + math.log(sum(math.exp(term - largest) for term in terms))) / math.log(2)


@pytest.mark.parametrize("runs", [1, 12])
@pytest.mark.parametrize(
    ("size", "count"),
    [(256, 2), (1000, 3), (1 << 14, 16), (1 << 20, 4), (1 << 24, 64), (1 << 25, 128), (450 << 20, 1800)],
)
def test_a_session_overflows_less_often_than_2_to_the_minus_40(size: int, count: int, runs: int) -> None:
    rows = capacity(size, count, runs)
    assert _log2_tail(size, count, rows) - math.log2(count) - math.log2(2 * runs) >= 40


@pytest.mark.parametrize(("size", "count"), [(1 << 20, 4), (1 << 22, 16), (1 << 24, 64), (1 << 25, 128)])
def test_padding_of_large_buckets_is_small(size: int, count: int) -> None:
    assert capacity(size, count, 1) * count <= 1.017 * size
    # ... and no bound could make it half as small: half the excess overflows far too often.
    excess = capacity(size, count, 1) - size // count
    assert _log2_tail(size, count, size // count + excess // 2) < 20


def test_a_bucket_never_holds_more_than_the_set() -> None:
    assert capacity(256, 200, 12) <= 256


def _hall_bits(rows: int, bins: int, up_to: int | None = None) -> float:
    """-log2 of the union over Hall violators of docs/protocols/cuckoo.md, of at most ``up_to`` rows."""

    def choose(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    violators = range(4, (up_to or rows) + 1)
    terms = [choose(rows, s) + choose(bins, s - 1) + s * (choose(s - 1, 3) - choose(bins, 3)) for s in violators]
    largest = max(terms)
    return -(largest + math.log(sum(math.exp(term - largest) for term in terms))) / math.log(2)


def test_all_small_tables_of_a_session_together_fail_less_often_than_2_to_the_minus_40() -> None:
    worst: dict[int, int] = {}
    for leader in LADDER:
        for data in LADDER:
            terms = BucketTerms.of(terms_for(leader, data))
            if terms.leader_rows < sizes.SMALL_TABLE_ROWS:
                worst[terms.leader_rows] = max(worst.get(terms.leader_rows, 0), terms.buckets)
    assert worst
    # The bound grows with the rows: of those with equally many buckets the smallest is the worst.
    tightest = {count: min(rows for rows, most in worst.items() if most >= count) for count in set(worst.values())}
    for count, rows in tightest.items():
        assert _hall_bits(rows, buckets.bucket_bins(rows, count)) - math.log2(count) > 40


def test_small_crowds_in_large_tables_are_proven_away_over_all_buckets() -> None:
    for leader, data in [
        (1 << 16, 1 << 20),
        (1 << 20, 1 << 20),
        (1 << 24, 1 << 24),
        (1 << 22, 1 << 25),
        (1 << 25, 1 << 25),
    ]:
        terms = BucketTerms.of(terms_for(leader, data))
        assert terms.leader_rows >= sizes.SMALL_TABLE_ROWS
        assert _hall_bits(terms.leader_rows, terms.bins, terms.leader_rows // 11) - math.log2(terms.buckets) > 60


def test_large_tables_have_the_load_of_one_table_of_all_rows() -> None:
    terms = BucketTerms.of(terms_for(1 << 24, 1 << 24))
    assert terms.bins * terms.buckets >= sizes.table_bins(terms.leader_rows * terms.buckets)


@pytest.mark.parametrize(
    ("leader", "data", "count"),
    [(256, 256, 2), (1 << 20, 1 << 20, 4), (1 << 24, 1 << 24, 64), (1 << 14, 1 << 25, 16), (1 << 25, 256, 128)],
)
def test_bucket_counts(leader: int, data: int, count: int) -> None:
    assert bucket_count(leader, data) == count


def test_false_matches_stay_below_2_to_the_minus_40_over_all_buckets() -> None:
    for leader, data in [(256, 1 << 25), (1 << 20, 1 << 20), (1 << 25, 1 << 25)]:
        terms = BucketTerms.of(terms_for(leader, data, runs=5))
        # Each of the leader's rows is compared with the padded list of its own bucket, in each of five runs.
        compared = math.log2(leader) + math.log2(terms.data_rows) + math.log2(5)
        assert 8 * terms.value_bytes - compared >= 40


def test_no_two_buckets_share_a_bin() -> None:
    terms = BucketTerms.of(terms_for(1 << 22, 1 << 20))
    firsts = [terms.first_bin(bucket) for bucket in range(terms.buckets)]
    assert all(second - first == terms.bins for first, second in pairwise(firsts))
    assert firsts[-1] + terms.bins < 1 << 32


def test_equal_people_meet_in_one_bucket_and_nobody_is_lost() -> None:
    people = numbers(50_000)
    parts = split(SID, people, 16, 50_000)
    assert np.array_equal(people[parts.order], parts.numbers)
    assert len(np.unique(parts.order)) == len(people)
    other = np.random.default_rng(1).permutation(people[:20_000])
    bucket = bucket_of(SID, other, 16)
    for number in range(16):
        assert np.isin(other[bucket == number], parts.of(number)).all()
        assert np.array_equal(people[parts.rows(number)], parts.of(number))


def test_buckets_are_even_and_unrelated_between_sessions() -> None:
    people = numbers(160_000)
    first, second = (bucket_of(bytes([session]) * 32, people, 16) for session in (1, 2))
    # 10,000 expected, standard deviation 97: six of them.
    assert np.abs(np.bincount(first, minlength=16) - 10_000).max() < 600
    assert abs(int((first == second).sum()) - 10_000) < 600


def test_rows_chosen_for_one_session_crowd_there_and_spread_in_every_other() -> None:
    """The skew that padding cannot take is out of reach: it needs the session id before the rows are fixed."""
    people = numbers(100_000)
    crowd = people[bucket_of(SID, people, 16) == 3][:4096]
    rows = capacity(4096, 16, 1)
    with pytest.raises(BucketOverflow):
        split(SID, crowd, 16, rows)
    for session in range(20):
        assert len(split(bytes([session + 100]) * 32, crowd, 16, rows).numbers) == 4096


def test_neighbouring_numbers_spread_like_all_others() -> None:
    neighbours = np.arange(100_000_000, 100_000_000 + (1 << 14), dtype=np.uint32)
    assert len(split(SID, neighbours, 16, capacity(1 << 14, 16, 1)).numbers) == 1 << 14


def test_an_expanded_seed_is_a_stream_of_that_seed_alone() -> None:
    first, again, other = ExpandedSeed(b"a" * 16), ExpandedSeed(b"a" * 16), ExpandedSeed(b"b" * 16)
    drawn = [first.bytes(count) for count in (5, 1000, 0, 16)]
    assert drawn == [again.bytes(count) for count in (5, 1000, 0, 16)]
    assert len(set(drawn)) == 4
    assert drawn[1] != other.bytes(1005)[5:]

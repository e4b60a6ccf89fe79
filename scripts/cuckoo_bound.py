"""Print the bound behind the small cuckoo tables: a union over Hall violators, for "no placement exists".

    .venv/bin/python scripts/cuckoo_bound.py

Rows can be placed unless some s of them have all their bins among s - 1 bins (Hall). Three distinct bins per row: the
smallest violator has s = 4. For n rows and m bins

    P(fail) <= sum over s = 4..n of  C(n, s) C(m, s - 1) (C(s - 1, 3) / C(m, 3))^s.
"""

from __future__ import annotations

from math import exp, inf, lgamma, log

from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE, ladder_step, table_bins


def log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def bound_bits(rows: int, bins: int) -> float:
    """Return -log2 of the bound."""
    per_row = log_choose(bins, 3)
    terms = [
        log_choose(rows, s) + log_choose(bins, s - 1) + s * (log_choose(s - 1, 3) - per_row) for s in range(4, rows + 1)
    ]
    largest = max(terms, default=-inf)
    return -(largest + log(sum(exp(term - largest) for term in terms))) / log(2)


def main() -> None:
    sizes, size = [], 256
    while size < 1 << 14:
        sizes.append(size)
        size = ladder_step(size + 1)
    caps = [257, 300, 511, 777, 1000, 3000, 16_383]
    print("public size  bins   bits")
    for rows in sorted({*sizes, *caps}):
        print(f"{rows:11}  {table_bins(rows):5}  {bound_bits(rows, table_bins(rows)):5.2f}")
    every = range(256, 2048)
    worst = min(every, key=lambda rows: bound_bits(rows, table_bins(rows)))
    print(f"tightest of all sizes from 256 to 2047: {worst}, {bound_bits(worst, table_bins(worst)):.2f} bits")
    for rows in (1 << 14, 1 << 16):
        print(
            f"{rows} rows in {table_bins(rows)} bins: {bound_bits(rows, table_bins(rows)):.2f} bits, which says nothing"
        )
    print(f"largest public size {LARGEST_PUBLIC_SIZE}")


if __name__ == "__main__":
    main()

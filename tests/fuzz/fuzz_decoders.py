"""Fuzz every decoder, guided by coverage: an atheris target, run by hand.

    python -m venv /tmp/fuzzing && /tmp/fuzzing/bin/pip install -e . atheris hypothesis pytest
    PYTHONPATH=tests NUMBA_DISABLE_JIT=1 /tmp/fuzzing/bin/python tests/fuzz/fuzz_decoders.py \\
        -max_total_time=600 -rss_limit_mb=1024 -timeout=20 -max_len=8192 CORPUS

The first byte of an input chooses the decoder, the rest is its content; the empty folder CORPUS is filled with what the
decoders accept. It ends with an error where a decoder raises what it may not, takes longer than 20 s for one input, or
the process grows beyond 1 GiB. Every minute a line says how many inputs there were, and how much memory is in use.

Only modules of psi-match are instrumented, before anything imports them. Not part of the tests: atheris is no
dependency of the project, and its wheels exist for few versions of Python.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import atheris
import structlog

with atheris.instrument_imports(include=["psi_match"]):
    from support.decoders import make_decoders, make_ecdh_decoders

_REPORT_EVERY_S = 60.0


def resident_mb() -> float:
    """Return the memory in use by this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def main() -> None:
    """Run until the time is up or something is found."""
    structlog.configure(logger_factory=lambda *_: structlog.ReturnLogger())
    folder = Path(tempfile.mkdtemp(prefix="psi-match-fuzz-"))
    decoders = make_decoders(folder) | make_ecdh_decoders()
    names = sorted(decoders)
    corpus = Path(sys.argv[-1])
    if corpus.is_dir():
        for number, name in enumerate(names):
            for index, seed in enumerate(decoders[name].seeds):
                (corpus / f"seed-{number}-{index}").write_bytes(bytes([number]) + seed)
    counts = dict.fromkeys(names, 0)
    began = told = time.monotonic()

    def one(content: bytes) -> None:
        nonlocal told
        if time.monotonic() - told > _REPORT_EVERY_S:
            told = time.monotonic()
            fewest = min(counts, key=lambda name: counts[name])
            sys.stderr.write(
                f"{told - began:.0f} s: {sum(counts.values())} inputs, fewest for {fewest}: {counts[fewest]}; "
                f"{resident_mb():.0f} MB\n"
            )
        if content:
            name = names[content[0] % len(names)]
            counts[name] += 1
            decoders[name].decode(content[1:])

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

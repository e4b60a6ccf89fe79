"""Reports of a bench as tests need them: made-up figures."""

from __future__ import annotations

from psi_match.bench.model import Report, Row, RunFigures

MACHINE: dict[str, str | int | float] = {
    "cpu": "Some Processor",
    "cores": 2,
    "cpu_flags": "aes avx2",
    "memory_gib": 23.5,
    "architecture": "x86_64",
    "system": "Linux",
    "kernel": "6",
    "python": "CPython 3.11.7",
    "load_at_start": 0.5,
}


def a_run(wall_s: float, sent: int = 1000) -> RunFigures:
    return RunFigures(
        wall_s=wall_s,
        phases={"oprf": wall_s / 2, "values": wall_s / 4},
        cpu_s={"cjib": 1.0, "belastingdienst": 0.5},
        peak_rss_bytes={"cjib": 320_000_000, "belastingdienst": 300_000_000},
        bytes={"cjib->belastingdienst": sent, "belastingdienst->cjib": sent // 2},
        rounds=13,
        phase_bytes={"oprf": 900},
    )


def a_row(
    system: str = "psi-match",
    variant: str = "kkrt",
    walls: tuple[float, ...] = (1.0, 2.0, 3.0),
    rows: int = 1024,
) -> Row:
    power = rows.bit_length() - 1
    return Row(
        suite="psi",
        task=f"2^{power} x 2^{power}",
        parameters={"rows": rows, "data_rows": rows, "net": "loopback", "from": "memory"},
        system=system,
        variant=variant,
        bytes_are="serialised messages",
        runs=tuple(a_run(wall) for wall in walls),
    )


def a_report(*rows: Row) -> Report:
    return Report(
        "2026-11-24T20:00:00+00:00", "psi-match bench psi", MACHINE, {"psi-match": "0.1.0", "numpy": "2"}, rows
    )

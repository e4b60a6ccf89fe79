"""In the demo each node gets only its own folder: it serves as a user who cannot read the others' data or the truth."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.nodes import DATA_PARTIES, LEADER, make_bodies, results_of
from support.sets import numbers

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_OTHER_USER = 65534


def _without_override() -> Callable[[], None]:
    """Before exec: give up root's right to read everything. Without root there is nothing to give up."""
    libc = ctypes.CDLL(None, use_errno=True)

    def drop() -> None:
        if os.geteuid() == 0:
            for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
                if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                    os._exit(99)

    return drop


def test_a_node_serves_without_the_others_data(tmp_path: Path) -> None:
    drawn = numbers(1000)
    rows = {"cjib": drawn[:400], "belastingdienst": drawn[300:700], "toeslagen": drawn[350:750]}
    bodies = make_bodies(tmp_path, rows)
    truth = tmp_path / "truth"
    truth.mkdir()
    (truth / "truth.parquet").write_bytes(b"truth")
    locked = [truth]
    if os.geteuid() == 0:
        # The data parties' nodes keep root's right to read everything, so their folders can be another user's.
        locked += [bodies.folder / "data" / party for party in DATA_PARTIES]
        locked += [bodies.nodes[party].keys for party in DATA_PARTIES]
        for path in locked:
            for entry in [path, *path.rglob("*")]:
                os.chown(entry, _OTHER_USER, _OTHER_USER)
                entry.chmod(0o700)
    else:
        truth.chmod(0)
    node = bodies.nodes[LEADER]
    try:
        for party in DATA_PARTIES:
            bodies.nodes[party].start()
            bodies.nodes[party].wait_ready()
        probe = "import os, sys; sys.exit(any(os.access(p, os.R_OK | os.X_OK) for p in sys.argv[1:]))"
        found = _run_restricted([sys.executable, "-c", probe, *map(str, locked)])
        assert found.wait() == 0, "the locked folders must be unreadable, or this test shows nothing"
        command = [sys.executable, "-m", "psi_match", "node", "serve", "--config", str(node.folder / "node.toml")]
        node.process = _run_restricted([*command, "--address-file", str(node.folder / "address")])
        node.wait_ready()
        with node.operator() as operator:
            record = operator.run("paren")
        assert {party: pair["matches"] for party, pair in record["pairs"].items()} == bodies.expected()
        assert len(results_of(bodies)) == 1
    finally:
        for local in bodies.nodes.values():
            local.stop()
        truth.chmod(0o700)


def _run_restricted(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=_without_override())  # noqa: PLW1509

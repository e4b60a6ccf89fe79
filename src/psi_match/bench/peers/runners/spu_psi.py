"""SecretFlow SPU's PSI from CSV file to CSV file: RR22, KKRT, ECDH and KKRT_NPC."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[Callable[[str], None]], None]


def prepare(task: dict[str, Any]) -> Run:
    """Load the library and connect the parties.

    Args:
        task: ``party``, ``addresses``, ``protocol``, ``low_comm``, ``column``, ``csv`` and ``result``.
    """
    from spu import libspu, psi

    link, _ = importlib.import_module("spu_link").connect(libspu, task)
    config = psi.PsiExecuteConfig(
        protocol_conf=psi.PsiProtocolConfig(
            protocol=psi.parse_protocol(f"PROTOCOL_{task['protocol']}"),
            receiver_rank=0,
            broadcast_result=False,
            ecdh_params=psi.EcdhParams(curve=psi.EllipticCurveType.CURVE_25519),
            rr22_params=psi.Rr22Rarams(low_comm_mode=task["low_comm"]),
        ),
        # keys_unique=True would spare a look for duplicates; with it 0.9.5 fails, for want of a path nobody can give.
        input_params=psi.InputParams(path=task["csv"], selected_keys=[task["column"]]),
        # The result need not be sorted: what its own published benchmark sets too.
        output_params=psi.OutputParams(path=str(Path(task["result"]).resolve()), disable_alignment=True),
    )

    def run(begin: Callable[[str], None]) -> None:
        begin("psi")
        psi.psi_execute(config, link)

    return run

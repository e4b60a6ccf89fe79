"""``python -m psi_match``: the same as the command ``psi-match``."""

from __future__ import annotations

from psi_match.cli.main import main

main()

"""``psi-match population dirty / score``: exports with faults, and how well validation finds them."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from psi_match.cli.options import Json


def dirty(
    folder: Annotated[Path, typer.Argument(help="Folder of a population.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to make: one CSV file per export, and injected.csv.")],
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same faults.")] = 1,
    share: Annotated[float, typer.Option("--share", help="Rows with a fault, as a share of each file.")] = 0.01,
    as_json: Json = False,
) -> None:
    """Export a population as bodies really do: Dutch CSV, with faults in it and a list of them."""
    from psi_match.cli.tables import number, print_table
    from psi_match.population.dirty import make_dirty

    injected = make_dirty(folder, out, seed, share)
    counts = Counter((fault.kind, str(fault.expected)) for fault in injected)
    if as_json:
        content = [{"kind": kind, "expected": expected, "rows": count} for (kind, expected), count in counts.items()]
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
        return
    rows = [[kind, expected, number(count)] for (kind, expected), count in sorted(counts.items())]
    files = len({fault.file for fault in injected})
    print_table(("fault", "expected", "rows"), rows, title=f"{files} files in {out}", numbers=(2,))


def score(
    out: Annotated[Path, typer.Argument(help="Folder of dirty exports.")],
    as_json: Json = False,
) -> None:
    """Read dirty exports as a node does, and compare with the list of faults. Exit code 9 if one was missed."""
    from psi_match.base.errors import ResultMismatch
    from psi_match.bench.validation import score as score_exports
    from psi_match.cli.tables import number, print_table

    scored = score_exports(out)
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) | {"right": each.right} for each in scored], indent=2) + "\n")
    else:
        rows = []
        for kind in dict.fromkeys(each.kind for each in scored):
            same = [each for each in scored if each.kind == kind]
            counts = [number(len(same)), number(sum(each.rows for each in same))]
            rejected = number(sum(each.rejected for each in same))
            wrong = ", ".join(each.file for each in same if not each.right)
            rows.append([kind, str(same[0].expected), *counts, rejected, wrong or "-"])
        print_table(("fault", "expected", "files", "rows", "rejected", "wrong in"), rows, numbers=(2, 3, 4))
        sys.stdout.write("\nunseen: no single file can tell, so the row is kept.\n")
    if not all(each.right for each in scored):
        raise ResultMismatch("Validation missed a fault, or rejected a good row.", "Please report it.")

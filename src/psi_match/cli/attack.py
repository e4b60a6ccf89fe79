"""``psi-match attack hashed-bsn`` and ``attack filter``: why unkeyed hashes, and filters of them, hide no BSN."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psi_match.attack.space import Space
from psi_match.cli.options import Json, Language, check_language
from psi_match.cli.private_file import write_private_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from psi_match.attack.candidates import Progress

app = typer.Typer(
    help="Recover BSNs from unkeyed hashes and plain filters: why a keyed, interactive protocol is needed.",
    no_args_is_help=True,
)

_COUNT = 100_000
_RATE = 1e-9
_LABELS = {
    "tried": ("nummers geprobeerd (alle)", "numbers tried (all)"),
    "hashes": ("hashes in de lijst", "hashes in the list"),
    "bits": ("bits van het filter", "bits of the filter"),
    "positions": ("posities per BSN", "positions per BSN"),
    "items": ("BSN's in het filter", "BSNs in the filter"),
    "estimated_items": ("BSN's in het filter, geschat", "BSNs in the filter, estimated"),
    "fitting": ("nummers die in het filter passen", "numbers that fit the filter"),
    "recovered": ("teruggevonden", "recovered"),
    "false_positives": ("vals-positief, gezien", "false positives, seen"),
    "expected_false_positives": ("vals-positief, verwacht", "false positives, expected"),
    "kernels_s": ("seconden om rekenkernen te laden", "seconds to load kernels"),
    "search_s": ("seconden om te zoeken, één kern", "seconds to search, one core"),
    "hashes_per_s": ("hashes per seconde", "hashes per second"),
}
"""What is printed for people, in this order."""

_WHY = (
    "Een hash zonder sleutel verbergt geen BSN, ook niet met een openbare salt: er zijn zo weinig BSN's dat iedereen "
    "ze allemaal kan proberen. Een tragere hash kost aanvaller en gebruiker evenveel keer meer. Een geheime sleutel "
    "houdt buitenstaanders tegen, maar niet de deelnemers die hem hebben. Daarom een interactief protocol met "
    "sleutels: daarin toetst een partij die zich aan het protocol houdt alleen nummers die zij zelf inbrengt, per keer "
    "niet meer dan haar openbare omvang toelaat, en alleen zolang de ander meedoet (aannames: SECURITY.md).",
    "A hash without a key hides no BSN, with or without a public salt: there are so few BSNs that anyone can try them "
    "all. A slower hash costs attacker and user more by the same factor. A secret key stops outsiders, but not the "
    "participants who hold it. Hence an interactive protocol with keys: there a party that follows the protocol tests "
    "only numbers that it puts in itself, in one run no more than its public size allows, and only as long as the "
    "other takes part (assumptions: SECURITY.md).",
)
_WHICH_FILTER = (
    "Aangevallen is een filter van kale BSN's, zoals partijen dat uitwisselen bij matchen met Bloomfilters. Het is "
    "niet het filter van openmined-psi: daarin staan versleutelde punten. ",
    "What was attacked is a filter of plain BSNs, as parties exchange it in matching with Bloom filters. It is not the "
    "filter of openmined-psi: that one holds encrypted points. ",
)
_MAY_BE_REAL = (
    "Teruggevonden nummers kunnen BSN's van echte mensen zijn; ze staan alleen in het bestand van --out, als dat is "
    "gevraagd. Wie zo een uitwisseling toetst, verwerkt persoonsgegevens.",
    "Recovered numbers may be BSNs of real people; they stand only in the file of --out, if that was asked for. Who "
    "audits an exchange like this processes personal data.",
)
_LINE = 100

Found = dict[str, str | int | float]

SearchedSpace = Annotated[
    Space, typer.Option("--space", help="Try synthetic numbers, or all numbers that pass the 11-proef (real).")
]
Salt = Annotated[str, typer.Option("--salt", help="Public salt before the nine digits, at most 46 bytes.")]
Count = Annotated[
    int | None,
    typer.Option(
        "--count",
        min=1,
        help="Numbers in the exhibit; default: 100000 synthetic ones. With --space real they come from the published "
        "test range 9999xxxxx only; default: all 9091.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="New file for the recovered numbers, for you only; else they are only counted."),
]


@app.callback()
def _group() -> None:
    """Recover BSNs from unkeyed hashes and plain filters: why a keyed, interactive protocol is needed."""


@app.command("hashed-bsn")
def hashed_bsn(
    space: SearchedSpace = Space.SYNTHETIC,
    file: Annotated[
        Path | None, typer.Option("--file", help="SHA-256 hashes, one per line as 64 hex digits; else an exhibit.")
    ] = None,
    salt: Salt = "",
    count: Count = None,
    out: Out = None,
    as_json: Json = False,
    language: Language = "nl",
) -> None:
    """Recover BSNs from SHA-256 hashes of nine digits by trying every number there is."""
    salt_bytes = _prepare(salt, out, language)
    from psi_match.attack.exhibit import hash_exhibit
    from psi_match.attack.files import read_digests
    from psi_match.attack.hashed_bsn import NOT_FOUND, recover_hashed
    from psi_match.domain.bsn import format_bsn

    drawn = None
    if file:
        _refuse({"--count": count}, "does not go with --file.", "A file brings its own hashes.")
        digests = read_digests(file)
    else:
        drawn = _draw(space, count)
        digests = hash_exhibit(drawn, salt_bytes)
    load = partial(recover_hashed, digests[:1], space, salt_bytes, [0])
    numbers, times = _search(load, partial(recover_hashed, digests, space, salt_bytes), language)
    known = numbers != NOT_FOUND
    if out:
        pairs = zip(digests[known], format_bsn(numbers[known]).tolist(), strict=True)
        _write(out, ["sha256,bsn", *(f"{digest.tobytes().hex()},{text}" for digest, text in pairs)])
    found: Found = {"attack": "hashed-bsn", "space": space.value, "salt_bytes": len(salt_bytes)}
    found |= times
    found |= {"hashes": len(digests), "recovered": int(known.sum())}
    _report(found, _WHY, language, as_json=as_json, may_be_real=drawn is None and space is Space.REAL)
    if drawn is not None:
        _check_exhibit(numbers == drawn)


@app.command("filter")
def bloom_filter(
    space: SearchedSpace = Space.SYNTHETIC,
    file: Annotated[
        Path | None, typer.Option("--file", help="Raw bits of a filter, lowest bit of a byte first; else an exhibit.")
    ] = None,
    bits: Annotated[int | None, typer.Option("--bits", min=1, help="With --file: bits of the filter.")] = None,
    positions: Annotated[
        int | None, typer.Option("--hashes", min=1, max=1000, help="With --file: hash functions, or positions per BSN.")
    ] = None,
    salt: Salt = "",
    count: Count = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", min=1e-15, max=0.5, help="False-positive rate of the exhibit; default: 1e-9.", show_default=False
        ),
    ] = None,
    out: Out = None,
    as_json: Json = False,
    language: Language = "nl",
) -> None:
    """Recover BSNs from a Bloom filter of plain BSNs, as exchanged in filter-based matching, by trying every number.

    docs/why-not-hash.md says how a BSN sets its bits. This is not the filter of openmined-psi, which holds encrypted
    points.
    """
    salt_bytes = _prepare(salt, out, language)
    import numpy as np

    from psi_match.attack.bloom_filter import make_filter, parameters, recover_filtered
    from psi_match.attack.exhibit import hash_exhibit
    from psi_match.attack.files import read_filter
    from psi_match.base.errors import UsageError
    from psi_match.domain.bsn import format_bsn

    drawn = None
    if file:
        _refuse({"--count": count, "--rate": rate}, "does not go with --file.", "A file brings its own filter.")
        if bits is None or positions is None:
            raise UsageError("A filter cannot be read without its parameters.", "Add --bits and --hashes.")
        bloom = read_filter(file, bits, positions)
    else:
        _refuse({"--bits": bits, "--hashes": positions}, "goes with --file only.", "Use --count and --rate.")
        drawn = _draw(space, count)
        bloom = make_filter(hash_exhibit(drawn, salt_bytes), *parameters(len(drawn), rate or _RATE))
    load = partial(recover_filtered, bloom, space, salt_bytes, [0])
    numbers, times = _search(load, partial(recover_filtered, bloom, space, salt_bytes), language)
    if out:
        _write(out, ["bsn", *format_bsn(numbers).tolist()])
    found: Found = {"attack": "filter", "space": space.value, "salt_bytes": len(salt_bytes)}
    found |= times
    found |= {"bits": bloom.size, "positions": bloom.positions, "fitting": len(numbers)}
    fits = np.isin([] if drawn is None else drawn, numbers)
    if drawn is None:
        found["estimated_items"] = round(min(bloom.estimated_items, times["tried"]))
    else:
        found |= {"items": len(drawn), "recovered": int(fits.sum()), "false_positives": len(numbers) - int(fits.sum())}
    found["expected_false_positives"] = bloom.false_positive_rate * (times["tried"] - len(fits))
    meaning = (_WHICH_FILTER[0] + _WHY[0], _WHICH_FILTER[1] + _WHY[1])
    _report(found, meaning, language, as_json=as_json, may_be_real=drawn is None and space is Space.REAL)
    _check_exhibit(fits)


def _prepare(salt: str, out: Path | None, language: str) -> bytes:
    """Refuse early what would fail late; return the salt's bytes."""
    from psi_match.base.errors import UsageError
    from psi_match.cli.options import keep_numba_quiet

    check_language(language)
    keep_numba_quiet()
    from psi_match.attack.sha256 import MAX_SALT_BYTES

    if out and out.exists():
        raise UsageError(f"{out} exists already.", "Choose another name; numbers are never written over a file.")
    if out and not out.parent.is_dir():
        raise UsageError(f"{out.parent} is no folder.", "Choose another --out.")
    salt_bytes = salt.encode()
    if len(salt_bytes) > MAX_SALT_BYTES:
        raise UsageError(f"A salt has at most {MAX_SALT_BYTES} bytes here.", "With the digits it must fit one block.")
    return salt_bytes


def _refuse(options: dict[str, float | None], why: str, hint: str) -> None:
    from psi_match.base.errors import UsageError

    for name, value in options.items():
        if value is not None:
            raise UsageError(f"{name} {why}", hint)


def _draw(space: Space, count: int | None) -> NDArray[np.uint32]:
    """Draw the numbers of an exhibit, from the operating system's randomness."""
    import numpy as np

    from psi_match.attack.exhibit import draw_exhibit, most_numbers
    from psi_match.base.errors import UsageError

    most = most_numbers(space)
    if count is not None and count > most:
        raise UsageError(f"An exhibit in this space has at most {most} numbers.", "Choose a smaller --count.")
    return draw_exhibit(space, count or min(_COUNT, most), np.random.default_rng())


def _search(
    load: Callable[[], object], recover: Callable[[Sequence[int], Progress], NDArray[np.uint32]], language: str
) -> tuple[NDArray[np.uint32], dict[str, int | float]]:
    """Load the kernels by a small search, then search the whole space; return what was found and the times."""
    from psi_match.attack.candidates import GROUPS
    from psi_match.cli.progress import step_bar

    tried = 0
    started = time.perf_counter()
    load()
    loaded = time.perf_counter()
    with step_bar() as show:

        def progress(done: int, total: int) -> None:
            nonlocal tried
            tried = done
            show("try every number" if language == "en" else "elk nummer proberen", done, total)

        numbers = recover(range(GROUPS), progress)
    search_s = time.perf_counter() - loaded
    return numbers, {
        "tried": tried,
        "kernels_s": round(loaded - started, 2),
        "search_s": round(search_s, 2),
        "hashes_per_s": round(tried / search_s),
    }


def _report(found: Found, meaning: tuple[str, str], language: str, *, as_json: bool, may_be_real: bool) -> None:
    """Print what was found; numbers of people never."""
    from psi_match.cli.tables import number, print_table

    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    english = language == "en"
    rows = [
        [labels[english], number(value) if isinstance(value, int) else f"{value:.3g}"]
        for name, labels in _LABELS.items()
        if not isinstance(value := found.get(name, ""), str)
    ]
    print_table((f"attack {found['attack']}, {found['space']}", ""), rows, numbers=(1,))
    for text in (meaning, *((_MAY_BE_REAL,) if may_be_real else ())):
        sys.stdout.write("\n" + textwrap.fill(text[english], _LINE) + "\n")


def _write(out: Path, lines: list[str]) -> None:
    write_private_file(out, "".join(line + "\n" for line in lines).encode("ascii"))


def _check_exhibit(recovered: NDArray[np.bool_]) -> None:
    from psi_match.base.errors import ResultMismatch

    if not recovered.all():
        raise ResultMismatch("The attack missed a number of its own exhibit.", "Please report it.")

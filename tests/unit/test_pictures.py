"""Pictures: the same numbers give the same bytes, every number is in words too, and a strict page can show them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytest.importorskip("matplotlib")

from support.few_records import PAIRS, SIGNAL, SomeDossier

from psi_match.report import pictures
from psi_match.report.minimisation import baselines
from psi_match.report.pictures import Picture

OVERLAP = {
    "parties": ["cjib", "cak"],
    "cells": [{"in": ["cjib"], "count": 1234}, {"in": ["cak"], "count": 56}, {"in": ["cjib", "cak"], "count": 7}],
}
JUDGED = [
    {
        "name": "k",
        "label": {"nl": "schuldeisers, minimaal", "en": "creditors, at least"},
        "unit": "number",
        "current": 2,
        "points": [
            {"value": 1, "selected": 478, "relevant": 138, "hits": 131, "precision": 0.274, "recall": 0.949},
            {"value": 2, "selected": 75, "relevant": 138, "hits": 75, "precision": 1.0, "recall": 0.543},
            {"value": 3, "selected": 0, "relevant": 138, "hits": 0, "precision": None, "recall": 0.0},
        ],
    },
]
UNJUDGED = [
    {
        "name": "minimum_single",
        "label": {"nl": "minimum alleenstaande", "en": "minimum, single"},
        "unit": "cents_per_month",
        "current": 135472,
        "points": [
            {"value": v, "selected": s, "relevant": None, "hits": None, "precision": None, "recall": None}
            for v, s in ((121925, 135), (135472, 183))
        ],
    }
]


def staged() -> SomeDossier:
    stages = [
        {"name": "join/cak", "wall_s": 0.25, "bytes_out": 1500, "bytes_in": 10},
        {"name": "join/cjib", "wall_s": 0.5, "bytes_out": 500, "bytes_in": 10},
        {"name": "brand-new/cak", "wall_s": 1.0, "bytes_out": 7, "bytes_in": 10},
    ]
    pairs = {"cjib": {"matches": None, "bytes_out": 2007, "bytes_in": 444}}
    return SomeDossier("vroegsignaal-gezamenlijk", {"cak": {"stages": stages, "pairs": pairs, "wall_s": 1.75}})


Make = Callable[..., Picture]
MAKERS: dict[str, Make] = {
    "upset": lambda language, **k: pictures.upset(OVERLAP, language, **k),
    "upset of nobody": lambda language, **k: pictures.upset({"parties": ["cak"], "cells": []}, language, **k),
    "baselines": lambda language, **k: pictures.baselines(baselines(PAIRS), language, **k),
    "baselines of signal": lambda language, **k: pictures.baselines(baselines(SIGNAL), language, **k),
    "baselines of nothing": lambda language, **k: pictures.baselines(
        baselines(SomeDossier("betalingsregeling-rijk-paren", {})), language, **k
    ),
    "thresholds": lambda language, **k: pictures.thresholds(JUDGED, language, **k),
    "thresholds, two": lambda language, **k: pictures.thresholds([*JUDGED, *JUDGED], language, **k),
    "thresholds, not judged": lambda language, **k: pictures.thresholds(UNJUDGED, language, **k),
    "stages": lambda language, **k: pictures.stages(staged(), language, **k),
    "stages of a pair": lambda language, **k: pictures.stages(PAIRS, language, **k),
    "flows": lambda language, **k: pictures.flows(staged(), language, **k),
    "flows of nothing": lambda language, **k: pictures.flows(SomeDossier("overlap-statistiek", {}), language, **k),
}


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("outlined", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_a_picture_is_plain_svg_that_a_strict_page_shows(name: str, outlined: bool, narrow: bool) -> None:
    picture = MAKERS[name]("nl", outlined=outlined, narrow=narrow)
    root = ET.fromstring(picture.svg)  # noqa: S314  # Our own text.
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "viewBox" in root.attrib
    assert not {"width", "height"} & set(root.attrib)
    elements = list(root.iter())
    assert not any("style" in element.attrib for element in elements)
    tags = {element.tag.rsplit("}", 1)[-1] for element in elements}
    assert not tags & {"style", "script", "metadata", "image", "foreignObject"}
    assert ("text" in tags) is not outlined
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", picture.svg)
    ids = [element.attrib["id"] for element in elements if "id" in element.attrib]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", MAKERS)
def test_equal_numbers_give_equal_bytes_in_any_thread(name: str) -> None:
    def make(outlined: bool) -> Picture:
        return MAKERS[name]("en", outlined=outlined)

    alone = {outlined: make(outlined) for outlined in (True, False)}
    with ThreadPoolExecutor(4) as pool:
        wanted = [True, False] * 4
        assert list(pool.map(make, wanted)) == [alone[outlined] for outlined in wanted]


@pytest.mark.parametrize("name", MAKERS)
def test_letters_stay_inside_a_narrow_picture(name: str) -> None:
    # Letters as outlines would show where they end; as text only where they begin.
    root = ET.fromstring(MAKERS[name]("en", narrow=True).svg)  # noqa: S314
    width = float(root.attrib["viewBox"].split()[2])
    assert width < 300
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        at = re.search(r"translate\(([-\d.]+)", text.attrib.get("transform", ""))
        x = float(at[1]) if at else float(text.attrib["x"])
        assert -1 <= x <= width


def test_alt_texts_hold_the_numbers_in_the_language() -> None:
    assert "CJIB 1.241" in pictures.upset(OVERLAP, "nl").alt
    english = pictures.upset(OVERLAP, "en").alt
    assert "CJIB + CAK 7" in english
    assert "1,234" in english
    assert "No party knows the whole picture" in english
    ways = pictures.baselines(baselines(PAIRS), "nl").alt
    assert "hele bestanden uitwisselen 343 (CJIB)" in ways
    assert "vertrouwde derde 412 (vertrouwde derde)" in ways
    assert "psi-match 35 (CJIB)" in ways
    curves = pictures.thresholds(JUDGED, "en").alt
    assert "2: 75 selected, precision 100.0%, recall 54.3% (current)" in curves
    assert "3: 0 selected, precision -, recall 0.0%" in curves
    assert "€\u00a01.354,72: 183 geselecteerd (nu)" in pictures.thresholds(UNJUDGED, "nl").alt
    assert "koppelen 0,75 s, 2,0\u00a0kB, brand-new 1,00 s, 7\u00a0B" in pictures.stages(staged(), "nl").alt


def test_flows_take_the_receivers_word_where_the_sender_has_no_record() -> None:
    alt = pictures.flows(staged(), "en").alt
    assert "CAK to CJIB 2.0\u00a0kB" in alt
    assert "CJIB to CAK 444\u00a0B" in alt


def test_a_long_tail_of_combinations_is_said_and_not_drawn() -> None:
    parties = [f"party-{n}" for n in range(6)]
    cells: list[dict[str, Any]] = [
        {"in": [p for bit, p in enumerate(parties) if mask >> bit & 1], "count": 100 - mask} for mask in range(1, 41)
    ]
    alt = pictures.upset({"parties": parties, "cells": cells}, "en").alt
    assert "24 more combinations" in alt
    assert f"{sum(100 - mask for mask in range(17, 41)):,} people" in alt


def test_an_svg_has_the_current_value_in_bold() -> None:
    svg = pictures.thresholds(JUDGED, "en").svg
    bold = re.findall(r'<text[^>]*font-weight="(?:bold|700)"[^>]*>([^<]*)', svg)
    assert "2" in [text.strip() for text in bold] or "(75)" in bold

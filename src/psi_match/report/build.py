"""A dossier becomes a report: scenario and agreement are looked up, chapters written, numbers gathered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from psi_match.base.errors import UsageError
from psi_match.report.chapters.closing import number_table, register_entry, risk_chapter, sources, subsidiary
from psi_match.report.chapters.disclosure import disclosure
from psi_match.report.chapters.dpia import dpia
from psi_match.report.chapters.minimisation import minimisation
from psi_match.report.chapters.performance import performance
from psi_match.report.chapters.quality import quality
from psi_match.report.chapters.summary import summary
from psi_match.report.facts import RunFacts
from psi_match.report.model import Report, used_numbers
from psi_match.report.texts import form
from psi_match.scenario.catalogue import Catalogue

if TYPE_CHECKING:
    from psi_match.governance.agreement import Agreement
    from psi_match.node.dossier import Dossier
    from psi_match.scenario.join_model import AnyScenario

_CHAPTERS = (
    dpia,
    disclosure,
    minimisation,
    quality,
    subsidiary,
    risk_chapter,
    performance,
    register_entry,
    sources,
)


def build_report(
    dossier: Dossier, language: str, *, scenarios: Path | None = None, agreement: Agreement | None = None
) -> Report:
    """Return the report of a dossier.

    Args:
        dossier: of a run; parties, timelines and evaluation may be missing, and then the report says so.
        language: ``nl`` or ``en``.
        scenarios: folder of scenario files; the built-in ones if None.
        agreement: text of the agreement; used only if it is the one that the records name.

    Reveals:
        What the dossier holds: counts, sizes, times, names of parties. No BSN, key or amount of a person.
    """
    facts = RunFacts(dossier, _scenario(dossier.scenario, scenarios), _fitting(dossier, agreement))
    words = {name: text.in_language(language) for name, text in form.WORDS.items()}
    first = summary(facts, language)
    chapters = [section for write in _CHAPTERS for section in write(facts, language)]
    used = list(used_numbers((*first, *chapters), words))
    title = (
        facts.scenario.title.in_language(language)
        if facts.scenario
        else form.UNKNOWN_TITLE.in_language(language).format(name=dossier.scenario)
    )
    return Report(
        title=form.TITLE.in_language(language).format(title=title),
        subtitle=form.SUBTITLE.in_language(language).format(
            run=dossier.run_id, scenario=dossier.scenario, collected=dossier.collected[:19].replace("T", " ")
        ),
        language=language,
        notice=(form.SYNTHETIC if facts.evaluation else form.PEOPLE_UNKNOWN).in_language(language),
        words=words,
        summary=first,
        sections=(*chapters, *number_table(used, language)),
        created=dossier.collected,
    )


def _scenario(name: str, folder: Path | None) -> AnyScenario | None:
    """Return the scenario; a report of an unknown one still comes out, and says so."""
    catalogue = Catalogue(folder)
    return catalogue.get(name) if name in catalogue.names() else None


def _fitting(dossier: Dossier, agreement: Agreement | None) -> Agreement | None:
    """Return the agreement if every record names it.

    Raises:
        UsageError: the run had another agreement.
    """
    if agreement is None:
        return None
    named = {record.get("agreement_digest") for record in dossier.records.values()}
    if named != {agreement.digest.hex()}:
        raise UsageError(
            f"The run was not under this text of agreement {agreement.name}.",
            "Give the agreement that its records name.",
        )
    return agreement

"""What all pages of the application share."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from psi_match.base.errors import ScenarioError
from psi_match.governance.agreement import Agreement
from psi_match.node.dossier import Dossier
from psi_match.page.archive import Archive
from psi_match.page.attacking import Attacking
from psi_match.page.board import Board
from psi_match.page.config import PageConfig
from psi_match.page.rendering import Renderer
from psi_match.page.scenario_view import agreements_on
from psi_match.page.starting import Starter
from psi_match.page.streaming import Streams
from psi_match.page.telling import Telling
from psi_match.page.texts import Words, words
from psi_match.scenario.catalogue import Catalogue
from psi_match.scenario.join_model import AnyScenario

_ZONE = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True, slots=True)
class PageContext:
    """The parts of the application.

    Args:
        config: of the page.
        board: what is known of the nodes now.
        archive: runs that the nodes keep.
        starter: starts runs, for demonstrations.
        attacking: the live attack.
        streams: to browsers.
        render: makes pages.
        catalogue: the scenarios.
        telling: what visitors are told of errors.
    """

    config: PageConfig
    board: Board
    archive: Archive
    starter: Starter
    attacking: Attacking
    streams: Streams
    render: Renderer
    catalogue: Catalogue
    telling: Telling

    def scenarios(self) -> list[AnyScenario]:
        """Return all scenarios."""
        return self.catalogue.all()

    def scenario(self, name: str) -> AnyScenario | None:
        """Return a scenario, if there is one of this name."""
        try:
            return self.catalogue.get(name)
        except ScenarioError:
            return None

    def title(self, name: str, language: str) -> str:
        """Return the title of a scenario; its name if this page does not know it."""
        scenario = self.scenario(name)
        return scenario.title.in_language(language) if scenario else name

    def words(self, language: str) -> Words:
        """Return the texts in a language."""
        return words(language)

    def today(self) -> datetime.date:
        """Return the day in the Netherlands, in which agreements count."""
        return datetime.datetime.now(_ZONE).date()

    def agreement_of(self, dossier: Dossier) -> Agreement | None:
        """Return the agreement that a run's records name, if this page has a copy of exactly that text."""
        scenario = self.scenario(dossier.scenario)
        named = {record.get("agreement_digest") for record in dossier.records.values()}
        for signed in agreements_on(scenario, self.config.agreements, self.today()) if scenario else ():
            if {signed.agreement.digest.hex()} == named:
                return signed.agreement
        return None

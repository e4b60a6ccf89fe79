"""A node's policy: what its data protection officer allows. What it does not name is refused.

The file is read again for each decision, so that a change counts from the next run on, without a restart.
"""

from __future__ import annotations

import datetime
import zoneinfo
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from psi_match.base.toml_file import read_model
from psi_match.crypto.derive import hash_fields
from psi_match.domain.parties import PartyId
from psi_match.governance.agreement import NAME
from psi_match.governance.audit.events import PERSON
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE, SMALLEST_PUBLIC_SIZE
from psi_match.scenario.digest import encode
from psi_match.scenario.model import FrozenModel, lists_to_tuples


def _loggable(name: str) -> str:
    if not PERSON(name):
        raise ValueError("is no name that a certificate and the audit log can hold")
    return name


AgreementName = Annotated[str, StringConstraints(pattern=NAME)]
PersonName = Annotated[str, AfterValidator(_loggable)]
"""An operator, auditor or observer, as the certificate calls them."""
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(FrozenModel):
    """A window in which runs may start.

    Args:
        days: days of the week.
        start: first moment, local time.
        until: last moment, local time; a window over midnight is two.
    """

    days: tuple[Day, ...] = Field(min_length=1)
    start: datetime.time
    until: datetime.time

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until <= self.start:
            raise ValueError("has a window that ends before it starts: write two for one over midnight")
        return self

    def hold(self, local: datetime.datetime) -> bool:
        """Tell whether a moment of local time lies in the window."""
        return DAYS[local.weekday()] in self.days and self.start <= local.time() <= self.until


class PolicyLimits(FrozenModel):
    """Numbers that bound every run, whatever agreements say.

    Args:
        population: number of people of whom a set could hold BSNs.
        max_population_share: largest share of it that any set's public size may be.
        max_set_size: largest public size of any set.
        max_runs: runs in any period, over all agreements together.
        period_days: length of the period.
        max_runs_per_snapshot: runs of one leader on one snapshot of a dataset, over all agreements together.
        min_group: smallest group of statistics in which this node's rows take part.
    """

    population: int = Field(ge=1, le=1_000_000_000)
    max_population_share: float = Field(gt=0, le=1)
    max_set_size: int = Field(ge=SMALLEST_PUBLIC_SIZE, le=LARGEST_PUBLIC_SIZE)
    max_runs: int = Field(ge=1)
    period_days: int = Field(ge=1, le=36_525)
    max_runs_per_snapshot: int = Field(ge=1)
    min_group: int = Field(ge=2)


class Policy(FrozenModel):
    """What a node allows.

    Args:
        format: version of this file format.
        peers: other parties with which it takes part in runs.
        agreements: names of agreements under which it takes part.
        operators: who of its own body may start runs and read results, by the name in the certificate.
        auditors: who may read records and the audit log.
        observers: who may look on: read records, and follow which messages cross, when and how large.
        timezone: of ``hours``, and of the days of agreements.
        hours: when runs may start; none: never.
        limits: numbers.
    """

    format: Literal[1]
    peers: tuple[PartyId, ...] = ()
    agreements: tuple[AgreementName, ...] = ()
    operators: tuple[PersonName, ...] = ()
    auditors: tuple[PersonName, ...] = ()
    observers: tuple[PersonName, ...] = ()
    timezone: str = "Europe/Amsterdam"
    hours: tuple[Hours, ...] = ()
    limits: PolicyLimits

    @model_validator(mode="before")
    @classmethod
    def _lists_to_tuples(cls, data: object) -> object:
        return lists_to_tuples(data)

    @model_validator(mode="after")
    def _timezone_is_known(self) -> Self:
        if len(set(self.agreements)) != len(self.agreements):
            raise ValueError("names an agreement twice")
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            # The last where the name is that of a folder, or longer than one may be.
            raise ValueError("names a timezone that is not known") from None
        return self

    @property
    def digest(self) -> bytes:
        """The 32-byte digest of everything in it, for the audit log."""
        plain = self.model_dump(mode="json") | {
            "limits": {name: str(value) for name, value in self.limits.model_dump().items()}
        }
        return hash_fields("policy", encode(plain))

    def open_at(self, moment: datetime.datetime) -> bool:
        """Tell whether runs may start at a moment."""
        return any(window.hold(self.local(moment)) for window in self.hours)

    def local(self, moment: datetime.datetime) -> datetime.datetime:
        """Return a moment in the policy's timezone, in which its hours and the days of agreements count."""
        return moment.astimezone(zoneinfo.ZoneInfo(self.timezone))


def read_policy(path: Path) -> Policy:
    """Read a policy.

    Raises:
        ConfigError: it cannot be read or is not valid.
    """
    return read_model(path, Policy)

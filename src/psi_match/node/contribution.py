"""What this node puts into a run: its dataset, checked, filtered and fixed before the session id opens."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import DataError, PeerError
from psi_match.crypto.derive import hash_fields
from psi_match.domain.bsn import is_among
from psi_match.domain.where import check, select
from psi_match.governance.rules import Rule, refusal
from psi_match.node.context import NodeContext
from psi_match.node.opt_outs import opted_out
from psi_match.node.run_ledger import Snapshot
from psi_match.protocols.sizes import LARGEST_PUBLIC_SIZE, ladder_step, public_size
from psi_match.scenario.join_model import JoinParty
from psi_match.scenario.model import Scenario, ScenarioParty

AnyParty = ScenarioParty | JoinParty

COMMITMENT_NONCE_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class Contribution:
    """The rows with which a party takes part.

    Args:
        numbers: (n,) distinct BSNs after the local filter.
        size: public size, which the peers see.
        rows_loaded: valid rows of the dataset.
        rows_rejected: rows that were dropped because the owner said so.
        opted_out: rows that were left out because the person opted out.
        reference_date: how recent the data are; None where an empty dataset cannot tell.
        commitment: hash of the rows under ``nonce``; may be logged.
        nonce: opens the commitment; stays with the node. A bare hash of a small set could be reversed.
        snapshot: of the dataset, in the ledger.
    """

    numbers: NDArray[np.uint32]
    size: int
    rows_loaded: int
    rows_rejected: int
    opted_out: int
    reference_date: datetime.date | None
    commitment: bytes
    nonce: bytes
    snapshot: Snapshot

    def __repr__(self) -> str:
        return f"Contribution({len(self.numbers)} rows, public size {self.size})"

    @property
    def rows_in(self) -> int:
        """Number of own rows."""
        return len(self.numbers)


def contribute(context: NodeContext, scenario: Scenario) -> Contribution:
    """Load, check and filter this node's rows for a scenario; who opted out here is left out.

    Raises:
        ConfigError: the node has no such dataset.
        ScenarioError: a condition does not fit the dataset.
        DataError: the dataset is not usable, too old or too large.
        PolicyRefusal: the node takes no part in the scenario.
    """
    config = context.config
    try:
        part = scenario.party(config.party)
    except KeyError:
        sentence = f"node {config.party} takes no part in scenario {scenario.name}."
        raise refusal(Rule.SCENARIO, sentence) from None
    dataset_config = config.dataset(part.dataset)
    check(part.where, dataset_config.spec)
    dataset = context.datasets.get(dataset_config)
    if dataset.reference_date is not None:
        check_age(part, dataset.reference_date, context.clock.today())
    chosen = dataset.bsn[select(dataset, part.where)]
    numbers = chosen[~is_among(chosen, opted_out(config, context.datasets))]
    nonce = context.rng.bytes(COMMITMENT_NONCE_BYTES)
    return Contribution(
        numbers=numbers,
        size=fixed_public_size(part, len(numbers)),
        rows_loaded=dataset.rows,
        rows_rejected=dataset.rejects.total,
        opted_out=len(chosen) - len(numbers),
        reference_date=dataset.reference_date,
        commitment=hash_fields("dataset", nonce, numbers.astype("<u4").tobytes()),
        nonce=nonce,
        snapshot=context.ledger.snapshot(part.dataset, dataset.bsn, str(dataset.reference_date)),
    )


def check_declared_size(part: AnyParty, size: int, step: str) -> None:
    """Check the public size that a peer declares: the agreed cap or a step of the ladder.

    Raises:
        PeerError: it is neither.
    """
    largest = LARGEST_PUBLIC_SIZE
    fits = size == part.cap if part.cap is not None else size <= largest and ladder_step(size) == size
    if not fits:
        raise PeerError(f"The peer declares {size} rows, which is no public size.", peer=part.id, step=step)


def check_age(part: AnyParty, reference_date: datetime.date, today: datetime.date) -> None:
    """Check that a dataset is as recent as the scenario asks.

    Raises:
        DataError: it is too old, or of the future.
    """
    age = (today - reference_date).days
    if part.max_age_days is not None and age > part.max_age_days:
        raise DataError(
            f"Dataset {part.dataset} is of {reference_date}, {age} days old; the scenario allows {part.max_age_days}.",
            "Supply a newer extract.",
        )
    if age < 0:
        raise DataError(
            f"Dataset {part.dataset} is of {reference_date}, which is in the future.", "Check its reference date."
        )


def fixed_public_size(part: AnyParty, rows: int) -> int:
    """Return the public size of a number of own rows.

    Raises:
        DataError: they exceed the agreed cap.
    """
    try:
        return public_size(rows, part.cap)
    except ValueError:
        raise DataError(
            f"Dataset {part.dataset} has {rows} rows for this scenario, more than the agreed cap.",
            "Agree on a higher cap, or check the local filter.",
        ) from None

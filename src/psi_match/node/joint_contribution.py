"""What this node puts into a joint run: rows, keys, columns and opt-outs, fixed before the session id opens."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from psi_match.base.errors import DataError, ScenarioError
from psi_match.crypto.derive import hash_fields
from psi_match.domain.bsn import is_among
from psi_match.domain.columns import ColumnType
from psi_match.domain.dataset import Dataset, DatasetSpec, duplicates
from psi_match.domain.where import check, select
from psi_match.node.context import NodeContext
from psi_match.node.contribution import COMMITMENT_NONCE_BYTES, check_age, fixed_public_size
from psi_match.node.opt_outs import opted_out
from psi_match.node.run_ledger import Snapshot
from psi_match.protocols.join_session import OwnRows
from psi_match.scenario.join_model import JoinColumn, JoinParty, JoinScenario

_FIRST_ROWS = 5
"""Row numbers that an error lists."""


@dataclass(frozen=True, slots=True, repr=False)
class JointContribution:
    """The rows with which a party takes part; a party without data has none.

    Args:
        rows: keys, columns and opt-outs; None without data.
        row_size: public number of rows that it leads with; 0 if it leads no turn.
        set_size: public size of its set as a data party, opt-outs included; 0 without data.
        rows_loaded: valid rows of the dataset.
        rows_rejected: rows that were dropped because the owner said so.
        opted_out: rows in which someone opted out here: they give no result.
        reference_date: how recent the data are.
        commitment: hash of the rows under ``nonce``; may be logged.
        nonce: opens the commitment; stays with the node.
        snapshot: of the dataset, in the ledger; None for a party without data.
    """

    rows: OwnRows | None
    row_size: int
    set_size: int
    rows_loaded: int
    rows_rejected: int
    opted_out: int
    reference_date: datetime.date | None
    commitment: bytes
    nonce: bytes
    snapshot: Snapshot | None = None

    def __repr__(self) -> str:
        return f"JointContribution(public sizes {self.row_size} and {self.set_size})"

    @property
    def rows_in(self) -> int:
        """Number of own rows."""
        return len(self.rows.keys[0]) if self.rows else 0


def contribute_jointly(context: NodeContext, scenario: JoinScenario) -> JointContribution:
    """Load, check and filter this node's rows for a joint scenario.

    Raises:
        ConfigError: the node has no such dataset.
        ScenarioError: a condition, key or column does not fit the dataset.
        DataError: the dataset is not usable, too old, too large, or holds values outside the agreed range.
    """
    config, cache = context.config, context.datasets
    part = scenario.party(config.party)
    nonce = context.rng.bytes(COMMITMENT_NONCE_BYTES)
    if part.dataset is None:
        return JointContribution(None, 0, 0, 0, 0, 0, None, hash_fields("dataset", nonce), nonce)
    dataset_config = config.dataset(part.dataset)
    check(part.where, dataset_config.spec)
    dataset = cache.get(dataset_config)
    if dataset.reference_date is not None:
        check_age(part, dataset.reference_date, context.clock.today())
    chosen = np.flatnonzero(select(dataset, part.where))
    rows = OwnRows(
        keys=_keys(part, dataset, dataset_config.spec, chosen),
        columns={column.name: _column(column, dataset, dataset_config.spec, chosen) for column in part.columns},
        opted_out=opted_out(config, cache),
    )
    leads = part.id in scenario.leaders
    return JointContribution(
        rows=rows,
        row_size=fixed_public_size(part, len(chosen)) if leads else 0,
        set_size=fixed_public_size(part, rows.set_size),
        rows_loaded=dataset.rows,
        rows_rejected=dataset.rejects.total,
        opted_out=int(np.logical_or.reduce([is_among(key, rows.opted_out) for key in rows.keys]).sum()),
        reference_date=dataset.reference_date,
        commitment=_commitment(nonce, rows),
        nonce=nonce,
        snapshot=context.ledger.snapshot(part.dataset, dataset.bsn, str(dataset.reference_date)),
    )


def _keys(
    part: JoinParty, dataset: Dataset, spec: DatasetSpec, chosen: NDArray[np.intp]
) -> tuple[NDArray[np.uint32], ...]:
    keys = [dataset.bsn[chosen]]
    for key in part.keys[1:]:
        column = spec.column(key.column)
        if column is None or column.type is not ColumnType.BSN:
            raise ScenarioError(
                f"The scenario uses {key.column} as a key, which dataset {spec.name} does not declare as a bsn column.",
                "Declare it under [[datasets.columns]] with type bsn.",
            )
        values = dataset.columns[key.column][chosen].astype(np.uint32)
        again = duplicates(values)
        if len(again):
            rows = ", ".join(str(int(row) + 1) for row in chosen[again[:_FIRST_ROWS]])
            raise DataError(
                f"Column {key.column} of dataset {part.dataset} names {len(again)} people again (valid rows {rows}"
                f"{' and more' if len(again) > _FIRST_ROWS else ''}).",
                "A household is one row.",
            )
        keys.append(values)
    return tuple(keys)


def _column(wanted: JoinColumn, dataset: Dataset, spec: DatasetSpec, chosen: NDArray[np.intp]) -> NDArray[np.int64]:
    column = spec.column(wanted.name)
    if column is None:
        raise ScenarioError(
            f"The scenario uses column {wanted.name}, which dataset {spec.name} does not declare.",
            "Declare it under [[datasets.columns]] in the node's config.",
        )
    if column.type not in {ColumnType.CENTS, ColumnType.EUROS, ColumnType.INTEGER, ColumnType.BOOLEAN}:
        raise ScenarioError(
            f"The scenario computes with column {wanted.name}, which dataset {spec.name} declares as {column.type}.",
            "Only amounts, whole numbers and booleans can be computed with.",
        )
    values = dataset.columns[wanted.name][chosen].astype(np.int64)
    if wanted.clamp:
        return np.clip(values, wanted.min, wanted.max)
    outside = np.flatnonzero((values < wanted.min) | (values > wanted.max))
    if len(outside):
        rows = ", ".join(str(int(row) + 1) for row in chosen[outside[:_FIRST_ROWS]])
        raise DataError(
            f"Column {wanted.name} of dataset {spec.name} has {len(outside)} values outside the scenario's range "
            f"(valid rows {rows}{' and more' if len(outside) > _FIRST_ROWS else ''}).",
            "Correct the rows, or agree on a wider range.",
        )
    return values


def _commitment(nonce: bytes, rows: OwnRows) -> bytes:
    content = [key.astype("<u4").tobytes() for key in rows.keys]
    content += [name.encode() + b"=" + values.astype("<i8").tobytes() for name, values in sorted(rows.columns.items())]
    return hash_fields("dataset", nonce, *content, rows.opted_out.astype("<u4").tobytes())

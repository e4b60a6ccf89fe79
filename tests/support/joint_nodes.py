"""Five real nodes inside the test's process: three with data, a compute node and a recipient without any.

Small datasets with opt-outs, five scenarios that between them use every kind of output, short deadlines, and what each
recipient must learn, computed with pandas from the same tables.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from psi_match.base.errors import PsiMatchError
from psi_match.domain.bsn import format_bsn
from psi_match.node.certificates import NODE, OPERATOR, ROLES, Authority, Credentials, write_key_folder
from psi_match.node.config import NodeConfig, read_config
from psi_match.node.context import NodeContext
from psi_match.node.link import Link, LinkTimes
from psi_match.node.local_nodes import LocalDataset, LocalNode, free_ports, govern, write_node_folder
from psi_match.node.operator_client import OperatorClient
from psi_match.node.outgoing_stream import OutgoingStream
from psi_match.node.server import Node
from psi_match.scenario.catalogue import Catalogue
from psi_match.wire.frames import STEP_NAMES
from psi_match.wire.v1 import peer_pb2 as pb
from support.sets import numbers

LEADER, COMPUTING, DATA_ONLY, WITHOUT_DATA, RECIPIENT = (
    "cjib",
    "belastingdienst",
    "toeslagen",
    "rekennode",
    "gemeente-a",
)
"""By what they do in most scenarios: leads and computes, has data and computes, has data, computes, learns."""
PARTIES = (LEADER, COMPUTING, DATA_ONLY, WITHOUT_DATA, RECIPIENT)
WITH_DATA = (LEADER, COMPUTING, DATA_ONLY)
COMPUTE = (LEADER, COMPUTING, WITHOUT_DATA)
SILENCE_S = 4.0
"""Longer than a busy machine keeps a thread waiting: a peer that is only slow must not be given up."""
SHORT_LIMITS = f"""
[limits]
peer_silence_s = {SILENCE_S}
heartbeat_s = 0.2
run_s = 90.0
max_sessions = 2
"""
END_WITHIN_S = 30.0
"""What every fault must be over by, at all parties: long before a run's time is up."""

LARGEST_AMOUNT = 1000
LIMIT = 700
MIN_GROUP = 30
PERSONS = 620

_HEAD = """\
format = 1
name = "{name}"
protocol = "join"
engines = ["kkrt", "vole"]
title = {{ nl = "Proef", en = "Test" }}
source = {{ nl = "geen", en = "none" }}
purpose = {{ nl = "Proef", en = "Test" }}
assumptions = {{ nl = "geen", en = "none" }}
{content}
[constants.norm]
value = 700
type = "cents"
assumed = true
source = {{ nl = "geen", en = "none" }}
"""
_PARTY = """
[[parties]]
id = "{party}"
rows = {{ nl = "mensen", en = "people" }}
"""
_DATA = """\
dataset = "{dataset}"
max_age_days = 2
{keys}
[[parties.columns]]
name = "open_cents"
type = "cents"
max = 1000

[[parties.where]]
column = "reminded"
operator = "equals"
value = true
"""
_HOUSEHOLD_KEYS = 'keys = [{ name = "self", column = "bsn" }, { name = "partner", column = "partner_bsn" }]'
_COMPUTE = 'compute = ["cjib", "belastingdienst", "rekennode"]\n'
_ONE_LEADER, _TWO_LEADERS = _COMPUTE + 'leaders = ["cjib"]\n', _COMPUTE + 'leaders = ["cjib", "toeslagen"]\n'
_TOTAL = "cjib.open_cents + belastingdienst.open_cents + toeslagen.open_cents"
_COUNT = "count(cjib.present, belastingdienst.present, toeslagen.present)"

SCENARIOS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "leden": (
        _ONE_LEADER + 'predicate = "belastingdienst.present or toeslagen.open_cents >= norm"',
        '[[outputs]]\nkind = "members"\n',
        PARTIES[:4],
    ),
    "buitenstaanders": (
        'compute = ["belastingdienst", "rekennode", "gemeente-a"]\nleaders = ["cjib"]\n'
        'predicate = "belastingdienst.present or toeslagen.open_cents >= norm"',
        '[[outputs]]\nkind = "members"\n',
        PARTIES,
    ),
    "huishoudens": (
        _ONE_LEADER + f'allow = ["foreign-label"]\npredicate = "{_TOTAL} + toeslagen.open_cents[partner] >= norm"',
        '[[outputs]]\nkind = "label"\nname = "rest"\n'
        'value = "belastingdienst.open_cents - toeslagen.open_cents[partner]"\n',
        PARTIES[:4],
    ),
    "signaal": (
        _ONE_LEADER + f'predicate = "{_TOTAL} >= norm"',
        '[[outputs]]\nkind = "signal"\nrecipient = "gemeente-a"\nwhen = "not (belastingdienst.present and '
        'toeslagen.present)"\ncolumns = { high = "cjib.open_cents >= norm" }\n',
        PARTIES,
    ),
    "beurtelings": (
        _TWO_LEADERS + f'predicate = "{_COUNT} >= 2"',
        '[[outputs]]\nkind = "signal"\nrecipient = "gemeente-a"\n',
        PARTIES,
    ),
    "cijfers": (
        _TWO_LEADERS + 'predicate = "true"',
        '[[outputs]]\nkind = "statistics"\nrecipient = "gemeente-a"\ntable = "cells"\nmin_group = 30\n'
        + "".join(f'\n[[outputs.groups]]\nname = "{m}"\nwhen = "{_COUNT} == {m}"\n' for m in (1, 2, 3)),
        PARTIES,
    ),
}
"""Per scenario its roles and predicate, its outputs, its parties."""
RECIPIENTS = {name: RECIPIENT if RECIPIENT in outputs else LEADER for name, (_, outputs, _) in SCENARIOS.items()}


def scenario_text(name: str) -> str:
    content, outputs, parties = SCENARIOS[name]
    text = _HEAD.format(name=name, content=content)
    for party in parties:
        text += _PARTY.format(party=party)
        if party in WITH_DATA:
            keys = _HOUSEHOLD_KEYS if name == "huishoudens" and party == LEADER else ""
            text += _DATA.format(dataset="rows", keys=keys)
    return text + "\n" + outputs


@dataclass(slots=True)
class People:
    """What the three bodies know: rows per party and who opted out where."""

    rows: dict[str, pd.DataFrame]
    opted_out: dict[str, NDArray[np.uint32]]

    @property
    def everyone(self) -> list[str]:
        """Every number that occurs, as text."""
        found = [frame["bsn"].to_numpy() for frame in self.rows.values()] + list(self.opted_out.values())
        return sorted(set(format_bsn(np.unique(np.concatenate(found))).tolist()))


def draw_people(seed: int = 0, fewer: int = 0) -> People:
    """Draw rows; ``fewer`` leaves out so many of each body's, within the same public size."""
    drawn, rng = numbers(PERSONS, seed), np.random.default_rng(seed)
    # With what the local filter leaves and with people who opted out elsewhere, each set has 257 to 320 numbers.
    chosen = {LEADER: drawn[:310], COMPUTING: drawn[150:460], DATA_ONLY: drawn[280:590]}
    rows = {}
    for party, members in chosen.items():
        kept = rng.permutation(members)[: len(members) - fewer]
        rows[party] = pd.DataFrame(
            {
                "bsn": kept,
                "open_cents": rng.integers(0, LARGEST_AMOUNT + 1, len(kept)),
                "reminded": rng.random(len(kept)) < 0.95,
            }
        )
        # The ends of the declared range and the norm itself occur.
        rows[party].loc[:2, "open_cents"] = [0, LIMIT, LARGEST_AMOUNT]
    # Half of the leader's rows have a partner: one who is in no row, or in another body's.
    partners = drawn[400:555].astype(np.int64)
    partner = np.full(len(rows[LEADER]), -1, dtype=np.int64)
    partner[: len(partners)] = partners
    rows[LEADER]["partner_bsn"] = rng.permutation(partner)
    opted_out = {
        LEADER: drawn[[5, 200, 300, 450]],
        COMPUTING: drawn[[20, 160, 305, 600]],
        DATA_ONLY: drawn[[30, 290, 455, 610]],
    }
    return People(rows, opted_out)


def expected_result(people: People, name: str) -> pd.DataFrame:
    """What the recipient of a scenario must learn, computed with joins of plain tables."""
    rows = {party: frame[frame["reminded"]].reset_index(drop=True) for party, frame in people.rows.items()}
    excluded = np.concatenate(list(people.opted_out.values()))
    joined = None
    for party, frame in rows.items():
        part = frame[["bsn", "open_cents"]].rename(columns={"open_cents": party})
        joined = part if joined is None else joined.merge(part, on="bsn", how="outer")
    assert joined is not None
    joined = joined[~joined["bsn"].isin(excluded)]
    present, amounts = joined[list(WITH_DATA)].notna(), joined[list(WITH_DATA)].fillna(0).astype(np.int64)
    match name:
        case "leden" | "buitenstaanders":
            chosen = present[LEADER] & (present[COMPUTING] | (amounts[DATA_ONLY] >= LIMIT))
            return _table(joined["bsn"][chosen])
        case "signaal":
            chosen = present[LEADER] & (amounts.sum(axis=1) >= LIMIT) & ~(present[COMPUTING] & present[DATA_ONLY])
            return _table(joined["bsn"][chosen], high=amounts[LEADER][chosen] >= LIMIT)
        case "beurtelings":
            return _table(joined["bsn"][(present[LEADER] | present[DATA_ONLY]) & (present.sum(axis=1) >= 2)])
        case "cijfers":
            bodies = present[present[LEADER] | present[DATA_ONLY]].sum(axis=1)
            counts = [int((bodies == m).sum()) for m in (1, 2, 3)]
            shown = [None if min(c, sum(counts) - c) < MIN_GROUP else c // MIN_GROUP * MIN_GROUP for c in counts]
            return pd.DataFrame(
                {"group": ["1", "2", "3"], "count": shown, "suppressed": [count is None for count in shown]}
            )
    households = rows[LEADER].merge(joined, on="bsn", how="inner")
    households = households[~households["partner_bsn"].isin(excluded)]
    own = households[list(WITH_DATA)].fillna(0).astype(np.int64)
    theirs = rows[DATA_ONLY].set_index("bsn")["open_cents"]
    partner = households["partner_bsn"].map(theirs).fillna(0).astype(np.int64)
    chosen = own.sum(axis=1) + partner >= LIMIT
    return _table(households["bsn"][chosen], rest=(own[COMPUTING] - partner)[chosen])


def _table(bsn: pd.Series, **columns: pd.Series) -> pd.DataFrame:
    texts = pd.Series(format_bsn(bsn.to_numpy().astype(np.uint32)), index=bsn.index, name="bsn")
    return pd.DataFrame({"bsn": texts} | columns).sort_values("bsn", ignore_index=True)


@dataclass(slots=True)
class JointBodies:
    """Keys, data and configs of five bodies; nothing runs yet."""

    folder: Path
    authority: Authority
    nodes: dict[str, LocalNode]
    people: People
    configs: dict[str, NodeConfig] = field(default_factory=dict)

    def node_credentials(self, party: str) -> Credentials:
        return Credentials.read(self.nodes[party].keys, NODE)

    def operator(self, party: str) -> OperatorClient:
        return OperatorClient(self.nodes[party].address, Credentials.read(self.nodes[party].keys, OPERATOR))

    def run(self, scenario: str, party: str = LEADER, adder: str = "") -> dict[str, Any]:
        """Run a scenario as a party's operator."""
        with self.operator(party) as operator:
            return operator.run(scenario, adder)

    def results(self) -> list[Path]:
        """Every result file of every node."""
        return sorted(self.folder.glob("nodes/*/state/runs/*/result.parquet"))

    def write_people(self, people: People, day: datetime.date | None = None) -> None:
        """Give every body with data its rows and its list of people who opted out."""
        self.people = people
        for party in WITH_DATA:
            write_rows(self.rows_path(party), people.rows[party], day)
            write_rows(self.rows_path(party, "opt_outs"), pd.DataFrame({"bsn": people.opted_out[party]}))

    def rows_path(self, party: str, dataset: str = "rows") -> Path:
        return self.folder / "data" / party / f"{dataset}.parquet"


def write_rows(path: Path, frame: pd.DataFrame, day: datetime.date | None = None) -> None:
    day = day or datetime.datetime.now(datetime.UTC).date()
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"bsn": pa.array(format_bsn(frame["bsn"].to_numpy().astype(np.uint32)))}
    for name in frame.columns[1:]:
        if name == "partner_bsn":
            values = frame[name].to_numpy()
            texts = format_bsn(np.maximum(values, 0).astype(np.uint32))
            columns[name] = pa.array(texts.tolist(), mask=values < 0)
        else:
            columns[name] = pa.array(frame[name].to_numpy())
    columns["peildatum"] = pa.array([day] * len(frame), pa.date32())
    pq.write_table(pa.table(columns), path)


def make_joint_bodies(folder: Path, people: People | None = None, limits: str = SHORT_LIMITS) -> JointBodies:
    """Write keys, data, scenarios and configs of five bodies."""
    now = datetime.datetime.now(datetime.UTC)
    nodes = {
        party: LocalNode(party, folder / "nodes" / party, folder / "keys" / party, port)
        for party, port in zip(PARTIES, free_ports(len(PARTIES)), strict=True)
    }
    scenarios = folder / "scenarios"
    scenarios.mkdir(parents=True)
    for name in SCENARIOS:
        (scenarios / f"{name}.toml").write_text(scenario_text(name))
    bodies = JointBodies(folder, Authority.create(now), nodes, people or draw_people())
    bodies.write_people(bodies.people)
    addresses = {party: node.address for party, node in nodes.items()}
    for party, node in nodes.items():
        write_key_folder(node.keys, bodies.authority, party, ROLES, now)
        datasets, opt_outs = {}, ""
        if party in WITH_DATA:
            columns = {"open_cents": "cents", "reminded": "boolean"}
            columns |= {"partner_bsn": "bsn"} if party == LEADER else {}
            datasets = {
                "rows": LocalDataset(bodies.rows_path(party), columns),
                "opt_outs": LocalDataset(bodies.rows_path(party, "opt_outs")),
            }
            opt_outs = 'opt_outs = "opt_outs"\n'
        extra = f'scenario_dir = "{scenarios}"\n{opt_outs}{limits}'
        write_node_folder(node.folder, node, addresses, datasets, extra)
        bodies.configs[party] = read_config(node.folder / "node.toml")
    govern(nodes, Catalogue(scenarios).all())
    return bodies


Change = Callable[[NodeConfig], NodeConfig]


@contextmanager
def serving_jointly(
    bodies: JointBodies, parties: tuple[str, ...] = PARTIES, change: dict[str, Change] | None = None
) -> Iterator[dict[str, Node]]:
    """Run nodes in this process; ``change`` alters a config first."""
    with ExitStack() as stack:
        yield {
            party: stack.enter_context(Node((change or {}).get(party, lambda config: config)(bodies.configs[party])))
            for party in parties
        }


@contextmanager
def rerouted(node: Node, peer: str, address: str) -> Iterator[None]:
    """Let a running node look for a peer at another address, for streams that it opens from now on."""
    before = node.context.config
    peers = tuple(each.model_copy(update={"address": address}) if each.party == peer else each for each in before.peers)
    object.__setattr__(node.context, "config", before.model_copy(update={"peers": peers}))
    try:
        yield
    finally:
        object.__setattr__(node.context, "config", before)


@dataclass(frozen=True)
class _OwnedTimes(LinkTimes):
    """Waiting times that also say whose link they are for."""

    owner: str = ""


Meddle = Callable[[str, str, str, bytes], list[bytes]]
"""(from, to, what the message is, message) -> messages that arrive."""


def untouched(_frm: str, _to: str, _what: str, message: bytes) -> list[bytes]:
    return [message]


def kind_of(message: pb.SessionMessage) -> str:
    """The step of a frame, the kind of any other message."""
    content = message.WhichOneof("content")
    return STEP_NAMES[message.frame.step] if content == "frame" else str(content)


class Wire:
    """Every stream between the nodes of this process: what leaves and arrives can be watched, changed and cut.

    Streams are real; a message is met where a node's own thread hands it to its link, after TLS and gRPC. ``sent``
    lists (from, to, kind) of all messages but heartbeats, in the order in which nodes queued them.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.meddle: Meddle = untouched
        self.on_send: Meddle = untouched
        self.sent: list[tuple[str, str, str]] = []
        self._streams: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        times, feed, put, opened = NodeContext.link_times, Link.feed, Link._put, OutgoingStream.__init__

        def link_times(context: NodeContext) -> LinkTimes:
            plain = times(context)
            return _OwnedTimes(plain.silence_s, plain.heartbeat_s, plain.run_end, context.party)

        def meddled_feed(link: Link, serialised: bytes) -> bool:
            arriving = [serialised]
            if self.meddle is not untouched:
                kind = kind_of(pb.SessionMessage.FromString(serialised))
                arriving = self.meddle(link.peer, owner(link), kind, serialised)
            return all(feed(link, message) for message in arriving)

        def watched_put(link: Link, serialised: bytes, step: str) -> None:
            kind = kind_of(pb.SessionMessage.FromString(serialised))
            for leaving in self.on_send(owner(link), link.peer, kind, serialised):
                with self._lock:
                    self.sent.append((owner(link), link.peer, kind))
                put(link, leaving, step)

        def registered(stream: OutgoingStream, address: str, credentials: Credentials, link: Link) -> None:
            opened(stream, address, credentials, link)
            self._streams[owner(link), link.peer] = stream

        monkeypatch.setattr(NodeContext, "link_times", link_times)
        monkeypatch.setattr(Link, "feed", meddled_feed)
        monkeypatch.setattr(Link, "_put", watched_put)
        monkeypatch.setattr(OutgoingStream, "__init__", registered)

    def cut(self, one: str, other: str) -> None:
        """Lose the connection between two nodes; both ends find out from gRPC."""
        stream = self._streams.get((one, other)) or self._streams[other, one]
        stream._call.cancel()

    def calm(self) -> None:
        """Meddle no more, and forget what was sent."""
        self.meddle = self.on_send = untouched
        self.sent = []
        self._streams = {}

    def kinds_sent(self) -> set[str]:
        return {kind for _, _, kind in self.sent}


def owner(link: Link) -> str:
    """Whose end of a stream a link is."""
    return str(getattr(link._times, "owner", ""))


def records(node: Node) -> list[dict[str, Any]]:
    return node.context.store.records()


def record_of(node: Node, run_id: str) -> dict[str, Any]:
    """A node's record of one run."""
    (found,) = [record for record in records(node) if record["run_id"] == run_id]
    return found


def wait_idle(nodes: dict[str, Node], within_s: float = END_WITHIN_S) -> None:
    """Wait until no node has a live run."""
    deadline = time.monotonic() + within_s
    while live := [party for party, node in nodes.items() if node.context.sessions.live()]:
        assert time.monotonic() < deadline, f"a run is still live at {live}"
        time.sleep(0.02)


def forget_statistics(nodes: dict[str, Node]) -> None:
    """Let nodes count the same snapshot once more, as they would the next extract."""
    for node in nodes.values():
        for path in node.context.ledger._statistics.iterdir():
            path.unlink()


def outcome(bodies: JointBodies, scenario: str, party: str = LEADER, adder: str = "prefix") -> object:
    """Run a scenario; return the record or the operator's error."""
    try:
        return bodies.run(scenario, party, adder)
    except PsiMatchError as error:
        return error

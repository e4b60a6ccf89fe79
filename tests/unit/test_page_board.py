"""What the page knows of the nodes: messages counted once, silence noticed, slow browsers, runs looked back at."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from psi_match.node.events import ALIVE, MESSAGE, RUN_BEGAN, RUN_ENDED, STAGE, NodeEvent
from psi_match.page import board as board_module
from psi_match.page import replay, tables
from psi_match.page.board import REFUSED, SERVING, STOPPED, UNKNOWN, Board
from psi_match.page.network import HEIGHT, WIDTH, place
from psi_match.page.replay import moments
from psi_match.page.steps import stage_name, stage_texts, step_name, step_texts
from psi_match.page.streaming import LiveResponse, Streams
from psi_match.page.texts import WORDS, count, seconds, size, words
from psi_match.report import pictures_run
from psi_match.wire.frames import STEPS

RUN, OTHER_RUN = "0" * 32, "1" * 32
PARTIES = ["cjib", "belastingdienst", "toeslagen"]


def event(kind: str, at: float = 1.0, run: str = RUN, **fields: Any) -> NodeEvent:
    return NodeEvent(run_id=run, scenario="paren", at=at, kind=kind, **fields)


def message(peer: str, outgoing: bool, step: str = "oprf-rows", n_bytes: int = 100, **fields: Any) -> NodeEvent:
    return event(MESSAGE, peer=peer, outgoing=outgoing, step=step, frame_bytes=n_bytes, **fields)


@pytest.fixture
def board() -> Board:
    return Board(PARTIES)


def arrows(update: dict[str, Any] | None) -> dict[tuple[str, str, str], dict[str, Any]]:
    assert update is not None
    return {(arrow["from"], arrow["to"], arrow["step"]): arrow for arrow in update["arrows"]}


def test_a_message_that_both_ends_report_is_shown_once(board: Board) -> None:
    board.note("cjib", event(RUN_BEGAN))
    board.note("cjib", message("toeslagen", True))
    first = arrows(board.drain())[("cjib", "toeslagen", "oprf-rows")]
    assert (first["new"], first["newBytes"], first["seen"]) == (1, 100, "sender")
    board.note("toeslagen", message("cjib", False))
    later = board.drain()
    assert later is None or not later["arrows"]
    whole = arrows(board.snapshot())[("cjib", "toeslagen", "oprf-rows")]
    assert (whole["frames"], whole["bytes"], whole["seen"]) == (1, 100, "both")


def test_a_message_whose_sender_is_not_observed_is_shown(board: Board) -> None:
    board.note("cjib", message("svb", False, n_bytes=7))
    shown = arrows(board.drain())[("svb", "cjib", "oprf-rows")]
    assert (shown["new"], shown["newBytes"], shown["seen"]) == (1, 7, "receiver")


def test_a_watcher_that_comes_back_counts_nothing_twice(board: Board) -> None:
    board.note("cjib", event(RUN_BEGAN))
    for _ in range(3):
        board.note("cjib", message("toeslagen", True))
    board.drain()
    board.lost("cjib")
    # The node tells the live run again, its messages taken together.
    board.note("cjib", event(RUN_BEGAN))
    board.note("cjib", message("toeslagen", True, n_bytes=400, frames=4))
    whole = arrows(board.snapshot())[("cjib", "toeslagen", "oprf-rows")]
    assert (whole["frames"], whole["bytes"]) == (4, 400)


def test_a_silent_node_is_shown_as_stopped_and_comes_back(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(board_module.time, "monotonic", lambda: now)
    assert set(board.states().values()) == {UNKNOWN}
    board.note("cjib", NodeEvent("", "", 1.0, ALIVE))
    board.note("cjib", event(RUN_BEGAN))
    assert board.serving() == ["cjib"]
    now += board_module.SILENT_S - 0.1
    board.drain()
    assert board.states()["cjib"] == SERVING
    now += 0.2
    update = board.drain()
    assert update is not None
    assert update["nodes"] == [{"party": "cjib", "state": STOPPED}]
    assert update["runs"][0]["state"] == "failed"
    board.note("cjib", NodeEvent("", "", 2.0, ALIVE))
    assert board.states()["cjib"] == SERVING


def test_a_node_that_refuses_is_told_from_one_that_is_gone(board: Board) -> None:
    board.lost("cjib", REFUSED)
    assert board.states()["cjib"] == REFUSED


def test_a_run_is_over_when_it_is_over_everywhere(board: Board) -> None:
    for party in ("cjib", "toeslagen"):
        board.note(party, event(RUN_BEGAN))
    board.note("cjib", event(STAGE, stage="join/cjib"))
    board.note("cjib", event(RUN_ENDED, state="finished"))
    run = board.run(RUN)
    assert run is not None
    assert (run.state, run.stages) == ("running", {})
    board.note("toeslagen", event(RUN_ENDED, state="failed"))
    assert run.state == "failed"


def test_memory_is_bounded(board: Board) -> None:
    for number in range(100):
        board.note("cjib", event(RUN_BEGAN, run=f"{number:032x}"))
    assert len(board.snapshot()["runs"]) == 20


def test_a_slow_browser_begins_anew_and_the_others_do_not_wait(board: Board) -> None:
    async def follow() -> list[str]:
        streams = Streams(board, 2, 2)
        browser = streams.reserve("127.0.0.1")
        assert browser
        stream = streams.follow(browser)
        texts = [await anext(stream)]
        for number in range(100):
            browser.offer(f"event: update\ndata: {number}\n\n")
        assert browser.queue.qsize() <= 32
        texts.append(await anext(stream))
        streams.close()
        return texts + [text async for text in stream]

    texts = asyncio.run(follow())
    assert [text.split("\n")[0] for text in texts[:2]] == ["event: snapshot", "event: snapshot"]
    assert json.loads(texts[0].split("data: ")[1])["nodes"][0] == {"party": "cjib", "state": UNKNOWN}


def test_places_are_taken_before_anything_is_sent_and_no_address_takes_all(board: Board) -> None:
    streams = Streams(board, 3, 2)
    one, two = streams.reserve("10.0.0.1"), streams.reserve("10.0.0.1")
    assert one
    assert two
    assert streams.reserve("10.0.0.1") is None, "an address has its share"
    other = streams.reserve("10.0.0.2")
    assert other
    assert streams.reserve("10.0.0.3") is None, "and all together have theirs"
    streams.release(one)
    assert streams.reserve("10.0.0.3")
    streams.release(other)
    streams.close()
    assert streams.reserve("10.0.0.4") is None, "a page that stops takes nobody"


def test_a_browser_that_leaves_before_the_first_event_gives_its_place_back(board: Board) -> None:
    async def come_and_go() -> None:
        streams = Streams(board, 1, 1)
        browser = streams.reserve("10.0.0.1")
        assert browser
        assert streams.reserve("10.0.0.1") is None

        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        async def send(_message: Any) -> None:
            raise OSError

        with contextlib.suppress(Exception):
            await LiveResponse(streams, browser)({"type": "http"}, receive, send)
        assert streams.reserve("10.0.0.1")

    asyncio.run(come_and_go())


# ----------------------------------------------------------------------------------------------------------------------
# Looking back


def test_a_replay_holds_every_message_once_in_order() -> None:
    timelines = {
        "cjib": [
            event(RUN_BEGAN, 10.0),
            message("toeslagen", True, at=11.0),
            message("toeslagen", False, "psi-values", at=13.0),
        ],
        "toeslagen": [message("cjib", False, at=11.2), message("cjib", True, "psi-values", at=12.5)],
    }
    found = replay.moments(timelines)
    assert [(m.at, m.parts[0].sender, m.parts[0].step, m.parts[0].seen) for m in found] == [
        (1.0, "cjib", "oprf-rows", "both"),
        (2.5, "toeslagen", "psi-values", "both"),
    ]


def test_a_replay_without_one_end_is_whole() -> None:
    found = replay.moments({"cjib": [message("toeslagen", False, at=1.0), message("toeslagen", True, at=2.0)]})
    assert [(m.parts[0].sender, m.parts[0].seen) for m in found] == [("toeslagen", "receiver"), ("cjib", "sender")]
    assert replay.without_timeline({"cjib": {}}, ["cjib", "toeslagen"], {"cjib": [1]}) == ["toeslagen"]


def test_a_long_replay_is_cut_without_losing_a_byte() -> None:
    peers = ["toeslagen", "belastingdienst"]
    events = [message(peers[i % 2], True, n_bytes=i, at=float(i)) for i in range(3001)]
    found = replay.moments({"cjib": events})
    assert len(found) <= replay.MOST_MOMENTS
    parts = [part for moment in found for part in moment.parts]
    assert sum(part.bytes for part in parts) == sum(range(3001))
    assert sum(part.frames for part in parts) == 3001
    assert [moment.at for moment in found] == sorted(moment.at for moment in found)


def test_a_run_without_recordings_has_no_moments() -> None:
    assert replay.moments({}) == []
    assert replay.moments({"cjib": [event(RUN_BEGAN)]}) == []


# ----------------------------------------------------------------------------------------------------------------------
# Picture and words


@pytest.mark.parametrize("n_nodes", [1, 2, 7, 10, 16])
def test_all_nodes_and_names_stand_inside_the_picture(n_nodes: int) -> None:
    parties = [f"partij-{number}" for number in range(n_nodes)]
    nodes = place(parties, {}, parties[:2])["nodes"]
    assert all(20 <= node.x <= WIDTH - 20 and 20 <= node.y <= HEIGHT - 20 for node in nodes)
    assert all(12 <= node.label_y <= HEIGHT - 15 for node in nodes)
    assert len({(node.x, node.y) for node in nodes}) == n_nodes
    assert [node.takes_part for node in nodes] == [index < 2 for index in range(n_nodes)]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_step_on_the_wire_has_words(language: str) -> None:
    texts = step_texts(language)
    assert set(STEPS) <= set(texts)
    assert all(texts[step]["name"] and texts[step]["sees"] for step in STEPS)
    assert step_name("step-of-tomorrow").in_language(language) == "step-of-tomorrow"


def test_a_table_at_loading_holds_what_the_script_would_show(board: Board) -> None:
    board.note("cjib", event(RUN_BEGAN))
    board.note("cjib", message("uwv", True, n_bytes=1500))
    board.note("cjib", message("uwv", True, n_bytes=1500))
    found = tables.traffic(board.snapshot()["arrows"], words("en"), "en")
    assert found == [
        {
            "from": "CJIB",
            "to": "UWV",
            "step": step_name("oprf-rows").en,
            "frames": "2",
            "bytes": "3.0 kB",
            "seen": words("en")("seen_sender"),
        }
    ]
    assert board.flows(RUN) == board.snapshot()["arrows"]
    assert board.flows(OTHER_RUN) == []
    sees = step_texts("en")["oprf-rows"]["sees"]
    assert tables.received(board.snapshot()["received"], "en") == {"uwv": f"{step_name('oprf-rows').en}: {sees}"}


def test_the_table_of_a_run_that_ended_has_all_its_bytes() -> None:
    events = [message("uwv", True, n_bytes=100, at=1.0), message("uwv", True, "oprf-reply", n_bytes=50, at=2.0)]
    events.append(message("uwv", True, n_bytes=100, at=9.0))
    lines, received = tables.replayed(moments({"cjib": events}), words("nl"), "nl")
    assert [(line["frames"], line["bytes"]) for line in lines] == [("2", "200 B"), ("1", "50 B")]
    assert set(received) == {"uwv"}


def test_stages_are_told_in_words() -> None:
    assert stage_texts("nl")["join"].replace("{party}", "SVB") == stage_name("join/svb").nl
    assert set(pictures_run._STAGES) <= set(stage_texts("en")), "the report knows no part that the page does not"
    assert tables.stages({"cjib": "compare"}, "en") == {"cjib": "comparing what was sent"}
    assert stage_name("join/toeslagen").nl == "koppelen, beurt van Dienst Toeslagen"
    assert stage_name("compare").en == "comparing what was sent"
    assert stage_name("tomorrow/cjib").en == "tomorrow CJIB"


def test_both_languages_have_the_same_places() -> None:
    import string

    for key, pair in WORDS.items():
        places = [sorted(name for _, name, _, _ in string.Formatter().parse(text) if name) for text in pair]
        assert places[0] == places[1], key
        assert all(text.strip() for text in pair), key


def test_numbers_are_shown_in_the_language_of_the_page() -> None:
    assert count(1_234_567) == "1\u202f234\u202f567"
    assert [size(n, "nl") for n in (999, 1500, 2_500_000)] == ["999 B", "1,5 kB", "2,5 MB"]
    assert size(150_000, "en") == "150 kB"
    assert seconds(1.5, "nl") == "1,50 s"
    assert words("en")("nav_home") == "Now"

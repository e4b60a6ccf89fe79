"""What is said about messages: one entry for each that nodes exchange, none beside; two languages; no over-claims."""

from __future__ import annotations

import pytest

from psi_match.base.randomness import SystemRandomness
from psi_match.protocols.effects import Send
from psi_match.protocols.sharing import InputKeys, announce_inputs
from psi_match.report.messages import MESSAGES, step_title, tells, what_receiver_sees, why_it_tells_nothing
from psi_match.wire.frames import STEPS
from psi_match.wire.v1 import peer_pb2 as pb


def control_messages() -> set[str]:
    content = pb.SessionMessage.DESCRIPTOR.oneofs_by_name["content"]
    return {field.name for field in content.fields} - {"frame"}


def test_every_message_of_a_session_is_explained_and_no_other() -> None:
    assert set(MESSAGES) == set(STEPS) | control_messages()


@pytest.mark.parametrize("step", sorted(set(STEPS) | control_messages()))
def test_texts_are_sentences_in_two_languages(step: str) -> None:
    for text in (what_receiver_sees(step), why_it_tells_nothing(step)):
        for sentence in (text.nl, text.en):
            assert sentence.endswith(".")
            assert sentence[0].isupper()
            assert "  " not in sentence
        assert text.nl != text.en
    title = step_title(step)
    assert len(title.nl) <= 40
    assert len(title.en) <= 40


def test_no_two_messages_show_the_same_thing() -> None:
    assert len({text.sees.en for text in MESSAGES.values()}) == len(MESSAGES)
    assert len({text.title.nl for text in MESSAGES.values()}) == len(MESSAGES)


def test_what_gives_away_a_result_says_so() -> None:
    # The steps after which a leader or recipient knows its outcome; all others must not claim or admit one.
    results = {step for step in MESSAGES if tells(step) == "result"}
    assert results == {"psi-values", "ecdh-setup", "ecdh-response", "opened-shares"}
    for step in results - {"ecdh-setup"}:
        assert "does tell" in why_it_tells_nothing(step).en
        assert "wél" in why_it_tells_nothing(step).nl


def test_what_shows_sizes_says_so() -> None:
    for step, text in MESSAGES.items():
        if tells(step) == "sizes":
            assert any(word in text.why.en for word in ("size", "how many", "roughly", "does tell")), step


def test_what_two_compute_parties_could_read_together_says_so() -> None:
    for step in ("input-keys", "random-seeds", "input-shares", "and-level", "permutation-first", "permutation-third"):
        assert "Two compute parties together" in why_it_tells_nothing(step).en
        assert "Twee rekenpartijen samen" in why_it_tells_nothing(step).nl


@pytest.mark.parametrize("lookup", [step_title, what_receiver_sees, why_it_tells_nothing, tells])
def test_an_unknown_step_is_refused(lookup: object) -> None:
    with pytest.raises(KeyError):
        lookup("no-such-step")  # type: ignore[operator]


def test_keys_of_inputs_are_told_as_the_protocol_gives_them() -> None:
    def sent() -> list[tuple[str, int]]:
        role = announce_inputs(("a", "b", "c"), bytes(32), SystemRandomness())
        found: list[tuple[str, int]] = []
        try:
            effect = next(role)
            while True:
                assert isinstance(effect, Send)
                assert isinstance(effect.message, InputKeys)
                found.append((effect.to, len(effect.message.rows)))
                effect = role.send(None)
        except StopIteration:
            return found

    # One compute party gets both keys, each other one of them.
    assert sent() == [("a", 2), ("b", 1), ("c", 1)]
    assert "one or both of the two keys" in what_receiver_sees("input-keys").en
    assert "does not get the third share" in why_it_tells_nothing("input-keys").en


def test_nothing_is_called_anonymous() -> None:
    words = " ".join(f"{text.sees.nl} {text.why.nl} {text.sees.en} {text.why.en}" for text in MESSAGES.values()).lower()
    assert "anon" not in words

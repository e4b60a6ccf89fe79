"""The signing key in a PKCS#11 token, with SoftHSM: a token that each test run makes for itself."""

from __future__ import annotations

import datetime
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from psi_match.base.errors import ConfigError
from psi_match.governance.signing import Signers, is_signed
from psi_match.node.certificates import NODE, Authority, write_key_folder
from psi_match.node.pkcs11_signer import Pkcs11Signer
from psi_match.node.signing_config import Pkcs11Signing, open_signer

pytestmark = pytest.mark.softhsm

NOW = datetime.datetime.now(datetime.UTC)
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
TOKEN, LABEL, PIN, WRONG_PIN = "psi-match", "signing", "2468-13579", "1357-24680"
ED25519 = bytes.fromhex("06032b6570")
"""DER of the object identifier 1.3.101.112 (RFC 8410)."""


@pytest.fixture(scope="module", autouse=True)
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", "12345678", "--pin", PIN],
            check=True,
            capture_output=True,
        )
        make_keys(LABEL)
        yield
        pkcs11.unload(str(MODULE))


def make_keys(label: str) -> None:
    with pkcs11.lib(str(MODULE)).get_token(token_label=TOKEN).open(rw=True, user_pin=PIN) as session:
        curve = session.create_domain_parameters(KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: ED25519}, local=True)
        curve.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label=label)


def remove_keys(label: str, kind: ObjectClass) -> None:
    with pkcs11.lib(str(MODULE)).get_token(token_label=TOKEN).open(rw=True, user_pin=PIN) as session:
        for key in list(session.get_objects({Attribute.LABEL: label, Attribute.CLASS: kind})):
            key.destroy()


@pytest.fixture
def signer() -> Iterator[Pkcs11Signer]:
    opened = Pkcs11Signer(MODULE, TOKEN, LABEL, PIN)
    yield opened
    opened.close()


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    path = tmp_path / "pin"
    path.write_text(PIN + "\n")
    path.chmod(0o600)
    return path


def says_no_pin(error: ConfigError) -> bool:
    texts = " ".join([str(error), error.hint, repr(error), str(error.__cause__), str(error.__context__)])
    return PIN not in texts and WRONG_PIN not in texts


def test_signatures_of_the_token_are_those_of_its_public_key(pin_file: Path, tmp_path: Path) -> None:
    config = Pkcs11Signing(kind="pkcs11", module=MODULE, token=TOKEN, label=LABEL, pin_file=pin_file)
    opened = open_signer(config, tmp_path)
    assert isinstance(opened, Pkcs11Signer)
    signature = opened.sign("purpose", b"one", b"two")
    assert is_signed(opened.public_key, signature, "purpose", b"one", b"two")
    assert not is_signed(opened.public_key, signature, "purpose", b"onetwo")
    assert PIN not in repr(opened)
    assert LABEL in repr(opened)
    opened.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pin": WRONG_PIN}, "the PIN is not right"),
        ({"token": "other"}, "there is no such token"),
        ({"label": "other"}, "there are 0 private and 0 public Edwards keys of that label"),
        ({"module": Path("/usr/lib/absent.so")}, "the module cannot be loaded"),
    ],
)
def test_what_is_missing_is_said_without_the_pin(wrong: dict[str, object], said: str) -> None:
    right: dict[str, object] = {"module": MODULE, "token": TOKEN, "label": LABEL, "pin": PIN}
    with pytest.raises(ConfigError, match=said) as raised:
        Pkcs11Signer(**(right | wrong))  # type: ignore[arg-type]
    assert says_no_pin(raised.value)


class OneAtATime:
    """A key that fails when two threads use it at once."""

    def __init__(self, key: Any) -> None:
        self._key, self._busy = key, threading.Lock()

    def sign(self, data: bytes, mechanism: Mechanism) -> bytes:
        assert self._busy.acquire(blocking=False), "two threads are in the module"
        try:
            time.sleep(0.0005)
            return self._key.sign(data, mechanism=mechanism)
        finally:
            self._busy.release()


def test_eight_threads_sign_at_once(signer: Pkcs11Signer) -> None:
    signer._key = OneAtATime(signer._key)  # type: ignore[assignment]
    good: list[bool] = []

    def sign(thread: int) -> None:
        for number in range(25):
            field = bytes([thread, number])
            good.append(is_signed(signer.public_key, signer.sign("threads", field), "threads", field))

    threads = [threading.Thread(target=sign, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert good == [True] * 200


def test_two_keys_of_one_token_in_one_process(signer: Pkcs11Signer) -> None:
    with pytest.raises(ConfigError, match="there are 0 private"):
        Pkcs11Signer(MODULE, TOKEN, "other", PIN)
    second = Pkcs11Signer(MODULE, TOKEN, LABEL, PIN)
    assert second.public_key == signer.public_key
    # Whoever logs out logs the whole process out, and the other one logs in again.
    signer.close()
    assert is_signed(second.public_key, second.sign("after", b""), "after", b"")
    second.close()


def test_a_lost_session_is_opened_anew_once_and_only_for_the_same_key() -> None:
    make_keys("passing")
    signer = Pkcs11Signer(MODULE, TOKEN, "passing", PIN)
    assert signer._session is not None
    signer._session.close()
    assert is_signed(signer.public_key, signer.sign("again", b""), "again", b"")
    signer.close()
    for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
        remove_keys("passing", kind)
    with pytest.raises(ConfigError, match="there are 0 private and 0 public"):
        signer.sign("again", b"")
    make_keys("passing")
    with pytest.raises(ConfigError, match="another key than before") as raised:
        signer.sign("again", b"")
    assert says_no_pin(raised.value)


def test_a_refused_pin_is_not_tried_again(signer: Pkcs11Signer) -> None:
    signer.close()
    signer._pin = WRONG_PIN
    with pytest.raises(ConfigError, match="the PIN is not right") as raised:
        signer.sign("again", b"")
    assert says_no_pin(raised.value)
    with pytest.raises(ConfigError, match="the PIN was refused before"):
        signer.sign("again", b"")


def test_two_halves_of_different_pairs_are_no_key() -> None:
    make_keys("mixed")
    remove_keys("mixed", ObjectClass.PUBLIC_KEY)
    make_keys("mixed")
    with pytest.raises(ConfigError, match="there are 2 private and 1 public"):
        Pkcs11Signer(MODULE, TOKEN, "mixed", PIN)
    remove_keys("mixed", ObjectClass.PRIVATE_KEY)
    make_keys("mixed")
    remove_keys("mixed", ObjectClass.PUBLIC_KEY)
    make_keys_public_only("mixed")
    with pytest.raises(ConfigError, match="do not belong together"):
        Pkcs11Signer(MODULE, TOKEN, "mixed", PIN)


def make_keys_public_only(label: str) -> None:
    with pkcs11.lib(str(MODULE)).get_token(token_label=TOKEN).open(rw=True, user_pin=PIN) as session:
        [other] = session.get_objects({Attribute.LABEL: LABEL, Attribute.CLASS: ObjectClass.PUBLIC_KEY})
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.PUBLIC_KEY,
                Attribute.KEY_TYPE: KeyType.EC_EDWARDS,
                Attribute.TOKEN: True,
                Attribute.LABEL: label,
                Attribute.EC_PARAMS: other[Attribute.EC_PARAMS],
                Attribute.EC_POINT: other[Attribute.EC_POINT],
            }
        )


def test_the_command_prints_the_entry_for_the_peers(pin_file: Path, tmp_path: Path, signer: Pkcs11Signer) -> None:
    folder = tmp_path / "keys"
    write_key_folder(folder, Authority.create(NOW), "cjib", (NODE,), NOW)
    done = subprocess.run(
        [sys.executable, "-m", "psi_match", "keys", "signer", folder, "--module", MODULE]
        + ["--token", TOKEN, "--label", LABEL, "--pin-file", pin_file],
        capture_output=True,
        text=True,
        check=True,
    )
    signers = tmp_path / "signers.toml"
    signers.write_text("format = 1\n" + done.stdout)
    assert Signers.read(signers).knows("cjib", signer.public_key)

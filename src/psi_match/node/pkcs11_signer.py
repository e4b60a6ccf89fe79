"""A signing key in a hardware security module, or in a program that stands in for one, over PKCS#11. It stays in there.

Source:
    OASIS, PKCS #11 Specification 3.1 (2023), section 6.3: key type CKK_EC_EDWARDS, mechanism CKM_EDDSA.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psi_match.base.errors import ConfigError
from psi_match.crypto.derive import hash_fields
from psi_match.governance.signing import PUBLIC_KEY_BYTES, is_signed

if TYPE_CHECKING:
    from pkcs11 import Session
    from pkcs11.types import SignMixin

_HINT = "Compare [signing] in the node's config with the token; docs/keys.md has an example."
_TRIAL = "signing-key-trial"
_OCTET_STRING = bytes([0x04, PUBLIC_KEY_BYTES])
"""DER in front of the public key; some modules leave it out."""

_MEANING = {
    "MultipleTokensReturned": "several tokens have that label",
    "NoSuchToken": "there is no such token",
    "PKCS11Error": "the module cannot be loaded",
    "PinIncorrect": "the PIN is not right",
    "PinInvalid": "the PIN is not right",
    "PinLenRange": "the PIN is not right",
    "PinLocked": "the PIN is locked",
}
_ONE_CALL_AT_A_TIME = threading.Lock()
"""Of the whole process, as a module is: python-pkcs11 tells modules that they need not be safe for threads."""


class Pkcs11Signer:
    """An Ed25519 key pair in a token, for several threads.

    When the token does not sign, the session is opened anew, once: it may have been restarted or taken out. A PIN that
    was refused is never tried again, because tokens lock after a few attempts.

    Args:
        module: shared library of the token's maker.
        token: the token's label.
        label: label of the private and of the public key.
        pin: the user's PIN.

    Raises:
        ConfigError: the package python-pkcs11, the module, the token or the key is missing, or the token refuses.
    """

    def __init__(self, module: Path, token: str, label: str, pin: str) -> None:
        self._module, self._token, self._label = module, token, label
        self._pin: str | None = pin
        self._session: Session | None = None
        self._key: SignMixin | None = None
        self.public_key = b""
        with _ONE_CALL_AT_A_TIME:
            self._open()

    def sign(self, purpose: str, *fields: bytes) -> bytes:
        """Return the signature of a purpose and fields.

        Raises:
            ConfigError: the token does not sign.
        """
        with _ONE_CALL_AT_A_TIME:
            signature = self._try_to_sign(purpose, *fields)
            if signature is None:
                self._close()
                self._open()
                signature = self._try_to_sign(purpose, *fields)
        if signature is None:
            raise self._unusable("the token does not sign")
        return signature

    def close(self) -> None:
        """Log out. The next signature logs in again."""
        with _ONE_CALL_AT_A_TIME:
            self._close()

    def __repr__(self) -> str:
        return f"Pkcs11Signer({self._token}, {self._label})"

    def _try_to_sign(self, purpose: str, *fields: bytes) -> bytes | None:
        """Return a signature that was checked; None if the token gives none."""
        from pkcs11 import Mechanism, PKCS11Error

        if self._key is None:
            return None
        signature = b""
        with contextlib.suppress(PKCS11Error):
            signature = self._key.sign(hash_fields(purpose, *fields), mechanism=Mechanism.EDDSA)
        return signature if is_signed(self.public_key, signature, purpose, *fields) else None

    def _close(self) -> None:
        from pkcs11 import PKCS11Error

        if self._session is not None:
            with contextlib.suppress(PKCS11Error):
                self._session.close()
        self._session = self._key = None

    def _open(self) -> None:
        try:
            import pkcs11
        except ImportError:
            raise ConfigError(
                "A signing key in a PKCS#11 token needs the package python-pkcs11.",
                "Install psi-match with its extra: pip install 'psi-match[pkcs11]'.",
            ) from None
        problem = ""
        try:
            problem = self._log_in_and_find()
        except pkcs11.PKCS11Error as cause:
            name = type(cause).__name__
            problem = _MEANING.get(name, name)
            if name.startswith("Pin"):
                self._pin = None
        if not problem and self._try_to_sign(_TRIAL) is None:
            problem = "the two keys do not belong together, or the token does not sign"
        if problem:
            self._close()
            # Raised outside of the handler, so that no library's error comes along.
            raise self._unusable(problem)

    def _log_in_and_find(self) -> str:
        """Log in and find the key pair; return what is wrong with it, if anything."""
        from pkcs11 import Attribute, KeyType, ObjectClass, UserAlreadyLoggedIn, lib

        if self._pin is None:
            return "the PIN was refused before"
        token = lib(str(self._module)).get_token(token_label=self._token)
        try:
            self._session = token.open(user_pin=self._pin)
        except UserAlreadyLoggedIn:
            # By another signer of this process: a token knows one login per process.
            self._session = token.open()
        wanted = {Attribute.KEY_TYPE: KeyType.EC_EDWARDS, Attribute.LABEL: self._label}
        private, public = (
            list[Any](self._session.get_objects(wanted | {Attribute.CLASS: kind}))
            for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY)
        )
        if (len(private), len(public)) != (1, 1):
            return f"there are {len(private)} private and {len(public)} public Edwards keys of that label"
        point = bytes(public[0][Attribute.EC_POINT])
        key = point.removeprefix(_OCTET_STRING) if len(point) > PUBLIC_KEY_BYTES else point
        if self.public_key not in (b"", key):
            return "it is another key than before"
        self._key, self.public_key = private[0], key
        return ""

    def _unusable(self, problem: str) -> ConfigError:
        return ConfigError(
            f"The signing key {self._label} in token {self._token} ({self._module}) cannot be used: {problem}.", _HINT
        )

"""Who may come in: checks a one-time token against authorities, revocation list, clock, and what was used before.

It knows nothing of what it protects. A refusal has one public sentence, whatever is wrong; the reason goes to the log,
the token never does.
"""

from __future__ import annotations

import datetime
import hmac
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification

from psi_match.base.errors import PolicyRefusal
from psi_match.node.certificates import OPERATOR, Identity, certificate_identity
from psi_match.node.revocation import RevocationList
from psi_match.page.login_token import LONGEST_LIFE, Token, TokenError

_CLOCK_SKEW = datetime.timedelta(seconds=30)
"""A person's clock may be ahead by so much."""
_MOST_NONCES = 4096
"""Only tokens of the party's own people are remembered, and each for minutes."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who has come in.

    Args:
        identity: by the certificate.
        serial: number of the certificate.
        valid_until: end of the certificate.
    """

    identity: Identity
    serial: int
    valid_until: datetime.datetime


class UsedNonces:
    """Nonces of tokens that were used, until the tokens expire. Full, it lets nobody in rather than forget one.

    Args:
        most: how many at a time.
    """

    def __init__(self, most: int = _MOST_NONCES) -> None:
        self._most = most
        self._until: dict[bytes, datetime.datetime] = {}
        self._lock = threading.Lock()

    def use(self, nonce: bytes, expires: datetime.datetime, now: datetime.datetime) -> str:
        """Use a nonce up; return why that is not possible, or nothing."""
        with self._lock:
            if nonce in self._until:
                return "used before"
            for old in [old for old, until in self._until.items() if until <= now]:
                del self._until[old]
            if len(self._until) >= self._most:
                return "too many logins within minutes"
            self._until[nonce] = expires
            return ""

    def __len__(self) -> int:
        return len(self._until)


class LoginCheck:
    """Decides on tokens.

    Args:
        party: whose people may come in.
        origin: address of this service, as ``login_token.origin_of`` writes it.
        names: which of the party's operators may.
        authorities: returns the PEM certificates that are trusted, anew for each login.
        revoked: list of certificates that are not accepted any more.
        now: the clock.
    """

    def __init__(
        self,
        party: str,
        origin: str,
        names: Callable[[], Collection[str]],
        authorities: Callable[[], bytes],
        revoked: RevocationList,
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._party, self._origin, self._names = party, origin, names
        self._authorities, self._revoked, self._now = authorities, revoked, now
        # What was used before a restart is forgotten, so nothing made before it is taken.
        self._started = now()
        self._used = UsedNonces()

    def admit(self, text: str) -> Person:
        """Use a token up and return who comes in.

        Raises:
            PolicyRefusal: the token is not good; ``rule`` says why, for the log only.

        Reveals:
            To who sent it: whether it is good, and nothing else.
        """
        now = self._now()
        reason, person = self._checked(text, now)
        if person is None:
            raise PolicyRefusal("This login link is not valid.", "Make a new one and use it at once.", rule=reason)
        return person

    def still_good(self, person: Person) -> str:
        """Return why somebody who is in must leave; empty if they may stay."""
        if person.valid_until <= self._now():
            return "certificate expired"
        if person.identity.name not in self._names():
            return "not a name that may log in"
        return "certificate revoked" if self._revoked.refusal(person.serial) else ""

    def _checked(self, text: str, now: datetime.datetime) -> tuple[str, Person | None]:
        try:
            token = Token.parse(text)
        except TokenError as error:
            return str(error), None
        reason = self._wrong_audience_or_time(token, now)
        if reason:
            return reason, None
        try:
            certificate = x509.load_der_x509_certificate(token.certificate)
            person = self._person(certificate, now)
        except TokenError as error:
            return str(error), None
        except Exception:  # of many types: what cannot be read as a certificate  # noqa: BLE001
            return "certificate cannot be read", None
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            return "key is not on P-256", None
        if not token.is_signed_by(key):
            return "signature is wrong", None
        # Last, so that only who holds the key can use a nonce up.
        reason = self._used.use(token.nonce, token.expires, now)
        return reason, None if reason else person

    def _wrong_audience_or_time(self, token: Token, now: datetime.datetime) -> str:
        if not hmac.compare_digest(token.party, self._party):
            return "for another party"
        if not hmac.compare_digest(token.origin, self._origin):
            return "for another address"
        if not datetime.timedelta(0) < token.expires - token.issued <= LONGEST_LIFE:
            return "lives too long"
        if token.issued > now + _CLOCK_SKEW:
            return "issued in the future"
        if token.expires <= now:
            return "expired"
        if token.issued < self._started:
            return "issued before the service started"
        return ""

    def _person(self, certificate: x509.Certificate, now: datetime.datetime) -> Person:
        try:
            trusted = x509.load_pem_x509_certificates(self._authorities())
            policy = verification.PolicyBuilder().store(verification.Store(trusted)).time(now)
            policy.build_client_verifier().verify(certificate, [])
        except verification.VerificationError:
            raise TokenError("certificate is not of a trusted authority, or not valid now") from None
        identity = certificate_identity(certificate.public_bytes(serialization.Encoding.PEM))
        if identity is None or identity.party != self._party or identity.role != OPERATOR:
            raise TokenError("not an operator of this party")
        if identity.name not in self._names():
            raise TokenError("not a name that may log in")
        if self._revoked.refusal(certificate.serial_number):
            raise TokenError("certificate revoked")
        return Person(identity, certificate.serial_number, certificate.not_valid_after_utc)

"""Who of a node's own body calls it: people in a role, by their certificate, whom the policy names; nobody else.

A refusal is written down, and its class and hint travel with it for the exit code of the caller's program.
"""

from __future__ import annotations

from typing import NoReturn

import grpc

from psi_match.base.errors import PolicyRefusal, PsiMatchError
from psi_match.governance.rules import Rule, refusal
from psi_match.node.certificates import Identity
from psi_match.node.channels import caller
from psi_match.node.context import NodeContext

ERROR_KEY = "psi-match-error"
HINT_KEY = "psi-match-hint"
"""Trailing metadata of a refused call: the error's class and hint."""


class OwnPeople:
    """Checks callers against the node's party, their role and the policy of the moment.

    Args:
        context: the node.
    """

    def __init__(self, context: NodeContext) -> None:
        self._context = context

    def admit(self, context: grpc.ServicerContext, *roles: str) -> Identity:
        """Return who calls, one of this node's own people in one of these roles; refuse the call of anybody else."""
        identity = caller(context)
        try:
            return self._checked(identity, roles)
        except PolicyRefusal as no:
            own = identity is not None and identity.party == self._context.party
            about = {"operator": identity.name} if own and identity else {"peer": identity.party if identity else None}
            self._context.refusals.note(no, **about)
            refuse(context, grpc.StatusCode.PERMISSION_DENIED, no)

    def _checked(self, identity: Identity | None, roles: tuple[str, ...]) -> Identity:
        if identity is None or identity.party != self._context.party or identity.role not in roles:
            wanted = " or ".join(roles)
            raise refusal(Rule.CALLER, f"the certificate is not that of an {wanted} of {self._context.party}.")
        self._context.gate.check_person(identity.role, identity.name)
        return identity


def refuse(context: grpc.ServicerContext, code: grpc.StatusCode, error: PsiMatchError) -> NoReturn:
    """End a call with an error that the caller's program can tell apart."""
    context.set_trailing_metadata(((ERROR_KEY, type(error).__name__), (HINT_KEY, error.hint)))
    context.abort(code, error.sentence)
    raise AssertionError  # abort has raised

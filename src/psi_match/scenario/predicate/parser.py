"""From text to syntax tree: a lexer and a parser by recursive descent, with errors that point at the character.

    expression = "if" expression "then" expression "else" expression | disjunction
    disjunction = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation = "not" negation | comparison
    comparison = sum [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) sum ]
    sum = term { ( "+" | "-" ) term }
    term = "-" term | NUMBER | "true" | "false" | ( "count" | "sum" ) "(" expression { "," expression } ")"
         | NAME [ "." NAME [ "[" NAME "]" ] ] | "(" expression ")"

A hyphen directly between letters or digits belongs to a name, as in ``gemeente-a``; a minus has white space around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from psi_match.base.errors import ScenarioError
from psi_match.scenario.predicate.tree import Constant, Literal, Node, Operation, Reference

FUNCTIONS = ("count", "sum")
_WORDS = {"if", "then", "else", "and", "or", "not", "true", "false", *FUNCTIONS}
_COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>[0-9](?:_?[0-9])*)(?![a-z0-9_])|(?P<name>[a-z](?:[a-z0-9_]|-(?=[a-z0-9]))*)"
    r"|(?P<symbol><=|>=|==|!=|[-+<>().,\[\]])"
)
_DEEPEST = 50
"""Parentheses, ``not`` and ``else if`` in each other."""
_TALLEST = 100
"""Levels of the tree: ``a + b + c`` has three. Both limits keep whoever walks it within Python's stack."""
_LONGEST_NUMBER = 18


@dataclass(frozen=True, slots=True)
class Source:
    """A text of an expression, with the name of the field in which it stands: for errors."""

    field: str
    text: str

    def error(self, what: str, at: int, hint: str = "") -> ScenarioError:
        """Return an error that shows the line and points at the character."""
        start = self.text.rfind("\n", 0, at) + 1
        end = self.text.find("\n", at)
        line = self.text[start : len(self.text) if end < 0 else end]
        return ScenarioError(f"{self.field}: {what}\n    {line}\n    {' ' * (at - start)}^", hint)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(source: Source) -> Node:
    """Parse an expression.

    Raises:
        ScenarioError: it is not one; the sentence points at the character.
    """
    return _Parser(source).whole()


class _Parser:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._tokens = _tokens(source)
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._peek().kind != "end":
            raise self._unexpected("an operator or the end")
        below = [node]
        for _ in range(_TALLEST):
            below = [part for one in below if isinstance(one, Operation) for part in one.operands]
        if below:
            hint = "Write a long row of + or `or` with sum(...) or count(...)."
            raise self._source.error("the expression is nested too deeply.", below[0].at, hint)
        return node

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _accept(self, *texts: str) -> _Token | None:
        return self._take() if self._peek().text in texts and self._peek().kind in {"symbol", "word"} else None

    def _expect(self, text: str) -> _Token:
        token = self._accept(text)
        if token is None:
            raise self._unexpected(f"`{text}`")
        return token

    def _unexpected(self, wanted: str) -> ScenarioError:
        token = self._peek()
        found = "the end" if token.kind == "end" else f"`{token.text}`"
        return self._source.error(f"{wanted} is expected here, not {found}.", token.at)

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._source.error("the expression is nested too deeply.", self._peek().at)
        start = self._accept("if")
        if start:
            condition = self._expression()
            self._expect("then")
            then = self._expression()
            self._expect("else")
            node: Node = Operation("if", (condition, then, self._expression()), start.at)
        else:
            node = self._chain(("or",), lambda: self._chain(("and",), self._negation))
        self._depth -= 1
        return node

    def _chain(self, operators: tuple[str, ...], operand: Callable[[], Node]) -> Node:
        node = operand()
        while token := self._accept(*operators):
            node = Operation(token.text, (node, operand()), token.at)
        return node

    def _negation(self) -> Node:
        token = self._accept("not")
        if token is None:
            return self._comparison()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._source.error("the expression is nested too deeply.", token.at)
        node = Operation("not", (self._negation(),), token.at)
        self._depth -= 1
        return node

    def _comparison(self) -> Node:
        left = self._chain(("+", "-"), self._term)
        token = self._accept(*_COMPARISONS)
        if token is None:
            return left
        node = Operation(token.text, (left, self._chain(("+", "-"), self._term)), token.at)
        if self._peek().text in _COMPARISONS:
            raise self._source.error("comparisons cannot be chained.", self._peek().at, "Write `a < b and b < c`.")
        return node

    def _term(self) -> Node:
        token = self._peek()
        if self._accept("-"):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._source.error("the expression is nested too deeply.", token.at)
            node = Operation("neg", (self._term(),), token.at)
            self._depth -= 1
            return node
        if self._accept("("):
            inner = self._expression()
            self._expect(")")
            return inner
        if token.kind == "number":
            self._take()
            return Literal(int(token.text), token.at)
        if self._accept("true", "false"):
            return Literal(token.text == "true", token.at)
        if self._accept(*FUNCTIONS):
            self._expect("(")
            operands = [self._expression()]
            while self._accept(","):
                operands.append(self._expression())
            self._expect(")")
            return Operation(token.text, tuple(operands), token.at)
        return self._name()

    def _name(self) -> Node:
        token = self._peek()
        if token.kind != "name":
            raise self._unexpected("a number, a name or an opening parenthesis")
        self._take()
        if not self._accept("."):
            return Constant(token.text, token.at)
        column = self._peek()
        if column.kind not in {"name", "word"}:
            raise self._unexpected("`present` or a column")
        self._take()
        key = None
        if self._accept("["):
            inside = self._peek()
            if inside.kind != "name":
                raise self._unexpected("the name of a key column")
            key = self._take().text
            self._expect("]")
        return Reference(token.text, column.text, key, token.at)


def _tokens(source: Source) -> list[_Token]:
    tokens = []
    at = 0
    while at < len(source.text):
        found = _TOKEN.match(source.text, at)
        if found is None:
            raise source.error("this character does not belong in an expression.", at)
        kind, text = str(found.lastgroup), found.group()
        if kind == "number":
            text = text.replace("_", "")
            if len(text) > _LONGEST_NUMBER:
                raise source.error("the number is too large.", at)
        if kind == "name" and text in _WORDS:
            kind = "word"
        if kind != "space":
            tokens.append(_Token(kind, text, at))
        at = found.end()
    return [*tokens, _Token("end", "", len(source.text.rstrip()))]

"""Walk through an audit log from its first line to its last, and say what is wrong.

A line counts if it is signed with the key that its file names, for that file's log. Its sequence and the digest of the
line before then tell of any change, deletion, move and splice. What was cut off at the end only a peer can tell that
saw more: ``witnesses.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from psi_match.governance.audit.events import OPENED
from psi_match.governance.audit.files import file_name, file_number, files_at, raw_lines
from psi_match.governance.audit.findings import MAX_FINDINGS, Finding
from psi_match.governance.audit.heads import LogPosition
from psi_match.governance.audit.lines import (
    Line,
    NotALineError,
    Opening,
    is_line_of,
    parse_line,
    parse_opening,
    torn_digest,
)
from psi_match.governance.signing import Signers


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A signed line and where it stands."""

    where: str
    line: Line


@dataclass(slots=True)
class _FileState:
    """How far a file has been read: what is due next, and what the line before was, if that is known."""

    name: str
    opening: Opening
    due: int = 0
    digest: str | None = None
    last: Line | None = None
    torn: bytes = b""


@dataclass(slots=True)
class LogWalk:
    """One pass over a log. Iterate over it once; what it gathers is complete after that.

    Memory grows with the signed lines of different sequences only: never with what somebody else wrote.

    Args:
        path: a log's folder, or one of its files.
        signers: whose key is whose; None: not checked.
        findings: what is wrong.
        notes: what is worth knowing.
        openings: per file name what its first line says.
        digests: digest of the line per log id and sequence.
    """

    path: Path
    signers: Signers | None = None
    findings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    openings: dict[str, Opening] = field(default_factory=dict)
    digests: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def party(self) -> str:
        """Whose log it is; empty if no file says so."""
        return next((opening.party for opening in self.openings.values()), "")

    @property
    def keys(self) -> list[bytes]:
        """The keys that sign it."""
        return [opening.public_key for opening in self.openings.values()]

    def __iter__(self) -> Iterator[PlacedLine]:
        """Yield every signed line, in the order in which they stand.

        Raises:
            ConfigError: there is no log, or it cannot be read.
        """
        files = files_at(self.path)
        self._read_openings(files)
        if self.signers is None:
            self.notes.append(Finding("key-not-checked", self.path.name))
        before: _FileState | None = None
        for index, file in enumerate(files):
            state = _FileState(file.name, self.openings[file.name]) if file.name in self.openings else None
            if self.path.is_dir():
                self._check_number(files, index)
            if state:
                self._check_opening(state, before, is_first=index == 0)
                yield from self._lines(file, state)
            if len(self.findings) >= MAX_FINDINGS:
                self.findings.append(Finding("too-many", file.name))
                return
            if before:
                self._check_torn(before, state)
            before = state
        if before:
            self._check_torn(before, None)

    def _read_openings(self, files: list[Path]) -> None:
        """Read all first lines: a line of a later file must be recognised in an earlier one."""
        for file in files:
            content, whole = next(raw_lines(file), (b"", False))
            try:
                if not whole:
                    raise NotALineError("no-opening")
                self.openings[file.name] = parse_opening(content)
            except NotALineError:
                self.findings.append(Finding("no-opening", f"{file.name}:1"))

    def _check_number(self, files: list[Path], index: int) -> None:
        due = 1 + (file_number(files[index - 1]) or 0) if index else 1
        for number in range(due, min(file_number(files[index]) or 0, due + MAX_FINDINGS)):
            self.findings.append(Finding("file-missing", self.path.name, (file_name(number),)))

    def _check_opening(self, state: _FileState, before: _FileState | None, *, is_first: bool) -> None:
        opening, where = state.opening, f"{state.name}:1"
        if opening.party != self.party:
            self.findings.append(Finding("other-party", where, (opening.party, self.party)))
        if self.signers and not self.signers.knows(opening.party, opening.public_key):
            self.findings.append(Finding("unknown-key", where, (opening.party,)))
        if is_first and opening.before:
            if self.path.is_dir():
                self.findings.append(Finding("beginning-missing", where))
            else:
                self.notes.append(Finding("part-only", where))
        if before and before.last:
            last = before.opening.position(before.last)
            if opening.before != LogPosition(opening.party, last.log, last.sequence, last.digest):
                self.findings.append(Finding("apart", where, (before.name,)))
            if opening.line.time < before.last.time:
                self.findings.append(Finding("clock", where))

    def _check_torn(self, state: _FileState, after: _FileState | None) -> None:
        told = after.opening.torn if after else None
        if state.torn and told is None:
            self.findings.append(Finding("torn", state.name))
        elif (told is not None or state.torn) and told != torn_digest(state.torn):
            self.findings.append(Finding("torn-otherwise", state.name))
        elif state.torn:
            self.notes.append(Finding("torn-recorded", state.name))

    def _lines(self, file: Path, state: _FileState) -> Iterator[PlacedLine]:
        for number, (content, whole) in enumerate(raw_lines(file), 1):
            if len(self.findings) >= MAX_FINDINGS:
                return
            if not whole:
                state.torn = content
                return
            where = f"{file.name}:{number}"
            line = self._signed(content, state, where)
            if line is None:
                # Whatever it was, it stood in a line's place. The next line cannot be compared with it.
                state.due, state.digest = state.due + 1, None
                continue
            self._check_place(line, state, where, is_first=number == 1)
            yield PlacedLine(where, line)

    def _signed(self, content: bytes, state: _FileState, where: str) -> Line | None:
        try:
            line = parse_line(content)
        except NotALineError as cause:
            self.findings.append(Finding(cause.problem, where))
            return None
        if is_line_of(line, state.opening.log, state.opening.public_key):
            return line
        of_others = (name for name, other in self.openings.items() if is_line_of(line, other.log, other.public_key))
        home = next(of_others, None)
        self.findings.append(Finding("foreign", where, (home,)) if home else Finding("changed", where))
        return None

    def _check_place(self, line: Line, state: _FileState, where: str, *, is_first: bool) -> None:
        if line.sequence > state.due:
            last = line.sequence - 1
            missing = str(last) if last == state.due else f"{state.due}-{last}"
            self.findings.append(Finding("missing", where, (missing,)))
        elif line.sequence < state.due:
            self.findings.append(Finding("moved", where, (line.sequence, state.due)))
        elif state.digest is not None and line.previous != state.digest:
            self.findings.append(Finding("forked", where))
        if line.event == OPENED and not is_first:
            self.findings.append(Finding("opened-again", where))
        if state.last and line.sequence >= state.due and line.time < state.last.time:
            self.findings.append(Finding("clock", where))
        self.digests.setdefault((state.opening.log, line.sequence), line.digest)
        state.due, state.digest, state.last = line.sequence + 1, line.digest, line

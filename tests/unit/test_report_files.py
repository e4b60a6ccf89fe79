"""The report as files: PDF/UA and HTML hold the same words as the model, and a dossier's text is never markup."""

from __future__ import annotations

import io
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pypdf
import pytest
from pypdf.generic import DictionaryObject, IndirectObject
from support.report_dossiers import LINKS, dossier, record, with_record
from typer.testing import CliRunner

from psi_match.base.errors import PsiMatchError
from psi_match.cli.main import app
from psi_match.node.dossier import Dossier
from psi_match.report.build import build_report
from psi_match.report.html import as_html
from psi_match.report.model import Figure, Report
from psi_match.report.pdf import as_pdf

LANGUAGES = ("nl", "en")
MARKUP = "#pagebreak() *vet* _schuin_ <script>alert(1)</script> $x$ `code` @bron {{ 7 * 7 }} &amp; \\ ~ // --"
ABOUT_A_PEER = " (peer cak, step hello)"
"""Ends a sentence that a report may repeat."""


class Page(HTMLParser):
    """What a reader of an HTML file gets: headings, words, and the tags with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._silent = tag == "style"
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the name is the base class's
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)

    @property
    def text(self) -> str:
        return spaced(" ".join(self.words))


def spaced(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").replace("\u00ad", "").split())


@cache
def complete(language: str) -> Report:
    return build_report(dossier(), language)


@cache
def pdf(language: str) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(as_pdf(complete(language))))


@cache
def page(language: str) -> Page:
    found = Page()
    found.feed(as_html(complete(language)))
    return found


def words(reader: pypdf.PdfReader) -> str:
    return spaced(" ".join(each.extract_text() for each in reader.pages))


def read(report: Report) -> str:
    return words(pypdf.PdfReader(io.BytesIO(as_pdf(report))))


def tagged(reader: pypdf.PdfReader) -> list[DictionaryObject]:
    """Return all elements of a PDF's structure."""
    found: list[DictionaryObject] = []
    waiting: list[Any] = [reader.trailer["/Root"]["/StructTreeRoot"]]  # type: ignore[index]
    while waiting:
        each = waiting.pop()
        each = each.get_object() if isinstance(each, IndirectObject) else each
        if isinstance(each, DictionaryObject):
            found.append(each)
            waiting.append(each.get("/K", []))
        elif isinstance(each, list):
            waiting += each
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_is_tagged_titled_and_in_its_language(language: str) -> None:
    root = pdf(language).trailer["/Root"]
    assert "/StructTreeRoot" in root  # type: ignore[operator]
    assert root["/MarkInfo"]["/Marked"] is True or root["/MarkInfo"]["/Marked"] == True  # type: ignore[index]  # noqa: E712
    assert root["/Lang"] == language  # type: ignore[index]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # type: ignore[index]  # noqa: E712
    metadata = pdf(language).metadata
    assert metadata is not None
    assert metadata.title == complete(language).title
    assert b"pdfuaid" in root["/Metadata"].get_data()  # type: ignore[index]


def test_every_picture_has_an_alternative_text_and_every_table_headers() -> None:
    elements = tagged(pdf("nl"))
    pictures = [block for s in complete("nl").all_sections() for block in s.blocks if isinstance(block, Figure)]
    alternatives = [str(each["/Alt"]) for each in elements if "/Alt" in each]
    assert len(pictures) >= 4
    assert {spaced(block.alt) for block in pictures} <= {spaced(text) for text in alternatives}
    kinds = [each.get("/S") for each in elements]
    assert kinds.count("/Table") >= 15
    assert kinds.count("/TH") > kinds.count("/Table")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_that_people_are_synthetic(language: str) -> None:
    for each in pdf(language).pages:
        assert complete(language).notice in spaced(each.extract_text())
    # Above everything, and in a landmark of its own.
    tags = [tag for tag, _ in page(language).tags]
    assert tags.index("aside") < tags.index("h1")
    assert complete(language).notice in page(language).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_summary_is_one_page(language: str) -> None:
    first, second = (spaced(each.extract_text()) for each in pdf(language).pages[:2])
    assert all(section.title in first for section in complete(language).summary)
    assert second.removeprefix(complete(language).notice).strip().startswith(complete(language).words["contents"])


def test_the_pdf_has_bookmarks_for_all_chapters_and_paragraphs() -> None:
    titles: list[str] = []

    def collect(items: list[Any]) -> None:
        for item in items:
            if isinstance(item, list):
                collect(item)
            else:
                titles.append(spaced(str(item.title)))

    collect(pdf("nl").outline)
    assert {section.title for section in complete("nl").sections} <= set(titles)


def test_all_fonts_are_in_the_pdf() -> None:
    fonts = set()
    for each in pdf("nl").pages:
        for font in each["/Resources"]["/Font"].values():  # type: ignore[index]
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            descriptor = descendant["/FontDescriptor"]
            assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
            fonts.add(str(descendant["/BaseFont"]))
    assert fonts


@pytest.mark.parametrize(
    ("party", "field", "value", "seen"),
    [
        ("gemeente-a", "result_rows", 4_321, "4.321"),
        ("cak", "pairs", {"toeslagen": {"bytes_out": 7_654_321, "bytes_in": 0}}, "7.654.321"),
    ],
)
def test_a_changed_record_changes_both_files(party: str, field: str, value: object, seen: str) -> None:
    assert seen not in words(pdf("nl"))
    assert seen not in page("nl").text
    changed = build_report(with_record(party, **{field: value}), "nl")
    assert seen in read(changed)
    assert seen in as_html(changed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_and_pdf_say_the_same(language: str) -> None:
    in_pdf = words(pdf(language)).replace(" ", "").replace("-", "")
    for section in complete(language).all_sections():
        assert spaced(section.title) in page(language).text
        assert spaced(section.title).replace(" ", "").replace("-", "") in in_pdf
    for number in re.findall(r"\d{1,3}(?:[.,]\d{3})+", page(language).text):
        assert number in in_pdf


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_is_one_file_with_headings_in_order(language: str) -> None:
    found = page(language)
    tags = [tag for tag, _ in found.tags]
    assert found.tags[0] == ("html", {"lang": language})
    assert found.headings.count(1) == 1
    assert found.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(found.headings, found.headings[1:], strict=False))
    assert not {"script", "link", "iframe", "img"} & set(tags)
    fetched = [value for _, attributes in found.tags for name, value in attributes.items() if name in {"src", "href"}]
    assert all(value and value.startswith("#") for value in fetched)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in fetched if value} <= {str(each) for each in ids}


def test_html_tables_have_scoped_headers_and_pictures_are_described() -> None:
    found = page("nl").tags
    assert all(attributes.get("scope") in {"col", "row"} for tag, attributes in found if tag == "th")
    pictures = [attributes for tag, attributes in found if tag == "svg"]
    ids = {attributes.get("id") for _, attributes in found}
    assert len(pictures) >= 4
    for attributes in pictures:
        assert attributes["role"] == "img"
        assert set(str(attributes["aria-labelledby"]).split()) <= ids


def test_markup_in_a_dossier_comes_out_as_it_is() -> None:
    failed = {party: record(party, state="failed", result_rows=None, error=MARKUP + ABOUT_A_PEER) for party in LINKS}
    report = build_report(dossier(records=failed), "nl")
    assert spaced(MARKUP) in read(report)
    html = as_html(report)
    found = Page()
    found.feed(html)
    assert spaced(MARKUP) in found.text
    assert "<script" not in html


def test_what_cannot_be_shown_is_named_and_long_words_do_not_matter() -> None:
    odd = "bel \x07 nul \x00 turned \u202e name \u6f22 smile \U0001f642 " + 2000 * "a"
    failed = {party: record(party, state="failed", result_rows=None, error=odd + ABOUT_A_PEER) for party in LINKS}
    report = build_report(dossier(records=failed), "nl")
    named = "bel [U+0007] nul [U+0000] turned [U+202E] name [U+6F22] smile [U+1F642]"
    assert named in read(report)
    assert named in as_html(report)


def test_no_paths_of_a_machine_are_in_the_files() -> None:
    for text in (as_html(complete("nl")), words(pdf("nl")), as_pdf(complete("nl")).decode("latin-1")):
        assert not re.search(r"/(home|root|tmp|usr|var|work)/", text)


def test_one_dossier_gives_one_file() -> None:
    assert as_html(complete("en")) == as_html(build_report(dossier(), "en"))


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return dossier().write(tmp_path / "dossier").parent


def run(*arguments: str) -> None:
    """Run the command; its errors come out as they are."""
    result = CliRunner().invoke(app, ["report", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output


def test_the_command_writes_what_the_suffix_says(stored: Path, tmp_path: Path) -> None:
    run(str(stored), "--out", str(tmp_path / "r.pdf"))
    run(str(stored), "--out", str(tmp_path / "r.html"), "--lang", "en")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF-1.7")
    assert '<html lang="en">' in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dossier", "r.html", "r.pdf"]


def test_the_command_keeps_what_is_there_unless_forced(stored: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(PsiMatchError, match="exists already"):
        run(str(stored), "--out", str(out))
    assert out.read_text(encoding="utf-8") == "mine"
    run(str(stored), "--out", str(out), "--force")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "report.docx"], "HTML or PDF"),
        (["--out", "report.pdf", "--lang", "fr"], "no such language"),
        (["--out", "nowhere/report.html"], "Cannot write"),
    ],
)
def test_the_command_refuses_with_a_sentence(stored: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(PsiMatchError, match=message) as error:
        run(str(stored), *arguments)
    assert error.value.exit_code == 2
    assert error.value.hint


def test_a_bare_record_of_one_party_is_enough(tmp_path: Path) -> None:
    import json

    path = tmp_path / "record.json"
    path.write_text(json.dumps(record("cjib")), encoding="utf-8")
    run(str(path), "--out", str(tmp_path / "r.html"))
    assert len(Dossier.read(path).records) == 1
    assert "Het dossier heeft geen verslag van" in (tmp_path / "r.html").read_text(encoding="utf-8")

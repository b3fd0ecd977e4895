"""A paper in the form of GB/T 9704-2012 (党政机关公文格式), written as .docx (ECMA-376).

The clauses in brackets are those of GB/T 9704-2012. Fonts are called by the names that every
Chinese Windows and WPS knows (仿宋, not the older 仿宋_GB2312); what else may stand in for them is
named in the font table, with the character set by which a program finds a Chinese font at all.
"""

import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, NamedTuple

import docx
from cn2an import an2cn
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.constants import CONTENT_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE as RELATION
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor, Twips
from docx.table import _Row
from docx.text.paragraph import Paragraph
from rich.cells import cell_len

from wuhu_appraisal.language import N_, _, language
from wuhu_appraisal.output.excel import date_zip
from wuhu_appraisal.output.tables import Table, show

SONG, FANGSONG, KAI, HEI, TITLE = "宋体", "仿宋", "楷体", "黑体", "方正小标宋简体"
_STAND_INS = {
    SONG: "SimSun,NSimSun,Songti SC",
    FANGSONG: "仿宋_GB2312,FangSong,STFangsong",
    KAI: "楷体_GB2312,KaiTi,STKaiti",
    HEI: "SimHei,Heiti SC",
    TITLE: "方正小标宋_GBK,FZXiaoBiaoSong-B05S,华文中宋,STZhongsong,SimSun",
}

# 5.2.1: a type area of 156 mm x 225 mm; 5.2.2: 22 lines of 28 characters in it, 16 pt each.
_PAGE = {"page_width": 210, "page_height": 297, "header_distance": 25, "footer_distance": 21}
_MARGINS = {"top_margin": 37, "bottom_margin": 35, "left_margin": 28, "right_margin": 26}
_ROOM = Mm(156).twips
_LINE = Pt(28.95)
_BODY, _CLOSER = 16, "-5"
"""The body's type in pt, and by how many twentieths of a point 28 of it stand closer in a line: a
grid of characters (w:docGrid) does the same in Word, but LibreOffice spaces the text out."""

_TABLE_SIZES = (10.5, 9, 7.5)
_CELL_MARGIN = 60
_WIDEST, _NARROWEST, _LONGEST_WORD = 64, 12, 16
_SHORT = 6
"""In half-width characters: a longer title of a column of numbers stands in two lines."""
_RED = RGBColor(0xC0, 0x00, 0x00)
_NUMBERED = (N_("{number}. {text}"), N_("({number}) {text}"))
_WORD = re.compile("[!-~]+")
_UNWRITABLE = re.compile(
    "[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


class _Look(NamedTuple):
    """How the paragraphs of one style look; ``indent`` counts characters of its own size."""

    font: str
    size: float = _BODY
    align: WD_ALIGN_PARAGRAPH = WD_ALIGN_PARAGRAPH.LEFT
    line: Pt | None = _LINE
    indent: int = 0
    around: float = 0
    keep: bool = False
    warning: bool = False
    boxed: bool = False
    latin: str = "Times New Roman"


_CENTRE, _BOTH = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.JUSTIFY
_LOOKS = {
    "Normal": _Look(FANGSONG, align=_BOTH),
    "Body Text": _Look(FANGSONG, align=_BOTH, indent=2),
    "Title": _Look(TITLE, 22, _CENTRE, Pt(35), around=14, keep=True),
    "Heading 1": _Look(HEI, indent=2, around=3, keep=True),
    "Heading 2": _Look(KAI, indent=2, around=3, keep=True),
    "Annex Label": _Look(HEI, keep=True),
    "Signature": _Look(FANGSONG, align=WD_ALIGN_PARAGRAPH.RIGHT),
    "Stamp": _Look(HEI, align=_CENTRE, around=6, keep=True, warning=True, boxed=True),
    "Warning": _Look(SONG, 10.5, line=None, around=1, keep=True, warning=True, boxed=True),
    "Table Note": _Look(SONG, 10.5, line=None, around=3, keep=True, warning=True),
    "Table Head": _Look(HEI, 10.5, _CENTRE, None, around=2, keep=True),
    "Table Cell": _Look(SONG, 10.5, line=None, around=2),
    "Below Table": _Look(SONG, 10.5, line=None, around=3),
    "Header": _Look(HEI, 10.5, _CENTRE, None, warning=True),
    "Footer": _Look(SONG, 14, line=None, latin=SONG),
}
_ALIGNED = {"number": WD_ALIGN_PARAGRAPH.RIGHT, "count": _CENTRE}


class Paper:
    """A paper under way: what is added stands below what was added before.

    ``stamp`` stands over the title and in the header of every page, there beside ``marker``, which
    says whose copy it is; ``warnings`` stand below it on the first. All may be empty. A line break
    in ``title`` is kept (7.3.1: 词意完整). ``moment`` is an aware time; it stands
    as the time of creation, so the same paper has the same bytes.
    """

    def __init__(
        self,
        title: str,
        *,
        stamp: str,
        moment: datetime,
        warnings: Sequence[str] = (),
        marker: str = "",
    ) -> None:
        self._document: Any = docx.Document()
        self._moment = moment
        self._counts = [0, 0]
        self._annexes, self._annex = 0, 0
        _prepare(self._document, title, moment)
        self._document.core_properties.keywords = clean(marker)
        _page(self._document, clean(" · ".join(filter(None, (stamp, marker)))))
        if stamp:
            self._add("Stamp", stamp)
        for text in warnings:
            self._add("Warning", text)
        self._add("Title", title)

    def heading(self, level: int, text: str) -> None:
        """A numbered heading of level 1 (一、 in 黑体) or 2 (（一） in 楷体): 7.3.3."""
        self._counts[level - 1] += 1
        self._counts[level:] = [0] * (2 - level)
        count = self._counts[level - 1]
        number = an2cn(count) if language() == "zh" else str(count)
        self._add(f"Heading {level}", _(_NUMBERED[level - 1]).format(number=number, text=text))

    def paragraph(self, text: str, *, indented: bool = True) -> None:
        """A paragraph of the body; the addressees (主送机关, 7.3.2) stand without an indent."""
        self._add("Body Text" if indented else "Normal", text)

    def note(self, text: str) -> None:
        """A line in red that stays with the table below it."""
        self._add("Table Note", text)

    def table(self, sheet: Table, size: float = _TABLE_SIZES[0]) -> None:
        """A table as wide as the type area, in type of ``size`` pt or what smaller size it needs.

        Its header is repeated on every page, no row is split; the sheet's notes stand below it.
        """
        shown = (zip(row, sheet.columns, strict=True) for row in sheet.rows)
        texts = [[clean(show(*pair)) for pair in row] for row in shown]
        spans = list(_spans(sheet, texts))
        smaller = (size, *(item for item in _TABLE_SIZES if item < size))
        fitting = (item for item in smaller if sum(_twips(low, item) for low, _w in spans) <= _ROOM)
        size = next(fitting, smaller[-1])
        widths = _widths(spans, [column.kind == "text" for column in sheet.columns], size)
        table = self._document.add_table(1, len(sheet.columns), style="Table Grid")
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        margins = OxmlElement("w:tblCellMar")
        for side in ("w:left", "w:right"):
            _append(margins, side, w=str(_CELL_MARGIN), type="dxa")
        table._tbl.tblPr.insert_element_before(margins, "w:tblLook")
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Twips(width)
        # By its id a style is set at once; python-docx goes through all styles for each name.
        head, cell = (self._document.styles[name].style_id for name in ("Table Head", "Table Cell"))
        titles = [(head, clean(column.title), None) for column in sheet.columns]
        _fill(table.rows[0], titles, widths, size)
        _append(table.rows[0]._tr.get_or_add_trPr(), "w:tblHeader")
        sides = [_ALIGNED.get(column.kind) for column in sheet.columns]
        for row in texts:
            _fill(table.add_row(), zip(repeat(cell), row, sides, strict=False), widths, size)
        # Two tables without a paragraph between them are one table.
        for text in sheet.notes or ("",):
            self._add("Below Table", text)

    def closing(self, office: str, annexes: Sequence[str] = ()) -> None:
        """The list of annexes (7.3.4), the office that signs and the date left open (7.3.5)."""
        self._annexes = len(annexes)
        self._keep_last()
        for place, title in enumerate(annexes, 1):
            number = f"{place}. " if len(annexes) > 1 else ""
            text = _("Annex: {title}") if place == 1 else "{title}"
            form = self._add("Normal", text.format(title=number + title)).paragraph_format
            form.keep_with_next = True
            # Two characters, the three of 附件：, and a number: lines begin where the titles do.
            form.left_indent = Pt(_BODY * (6 if number else 5))
            form.first_line_indent = Pt(-_BODY * ((4 if number else 3) if place == 1 else 1))
            if place == 1:
                form.space_before = _LINE
        for text, spaces in ((office, 2), (_("(date)"), 4)):
            form = self._add("Signature", text).paragraph_format
            form.right_indent = Pt(_BODY * spaces)
            if text == office:
                form.space_before = _LINE * 2
                form.keep_with_next = True

    def annex(self, title: str) -> None:
        """The next annex that ``closing`` listed, on a page of its own (7.3.7)."""
        self._annex += 1
        number = str(self._annex) if self._annexes > 1 else ""
        label = self._add("Annex Label", _("Annex {number}").format(number=number).strip())
        label.paragraph_format.page_break_before = True
        self._add("Title", title)

    def save(self) -> bytes:
        """The paper as .docx."""
        target = io.BytesIO()
        self._document.save(target)
        return date_zip(target.getvalue(), self._moment)

    def _keep_last(self) -> None:
        """Keep the end of the text with what follows: no signature on a page without text (7.3.5)."""
        last = self._document.paragraphs[-1]
        last.paragraph_format.keep_with_next = True
        for table in self._document.tables[-1:]:
            if table._tbl.getnext() is last._p:
                for cell in [cell for row in table.rows[-2:] for cell in row.cells]:
                    cell.paragraphs[0].paragraph_format.keep_with_next = True

    def _add(self, style: str, text: str) -> Paragraph:
        added: Paragraph = self._document.add_paragraph(clean(text), style)
        return added


def clean(text: str) -> str:
    """The text without what XML 1.0 forbids (2.2) or what turns text round; lines and tabs stay."""
    return _UNWRITABLE.sub("", text.replace("\r\n", "\n"))


def _prepare(document: Any, title: str, moment: datetime) -> None:
    """Styles, fonts and properties, in place of those of python-docx's template."""
    for name, look in _LOOKS.items():
        _style(document, name, look)
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:charset w:val="86"/></w:font>'
        for name, others in _STAND_INS.items()
    )
    part, package = document.part, document.part.package
    for owner, kind in ((part, RELATION.FONT_TABLE), (package, RELATION.THUMBNAIL)):
        for item in [item for item in owner.rels.values() if item.reltype == kind]:
            del owner.rels[item.rId]
    table = f'<?xml version="1.0" encoding="UTF-8"?><w:fonts {nsdecls("w")}>{fonts}</w:fonts>'
    place, form = PackURI("/word/fontTable.xml"), CONTENT_TYPE.WML_FONT_TABLE
    part.relate_to(Part(place, form, table.encode(), package), RELATION.FONT_TABLE)
    properties = document.core_properties
    properties.title = clean(title).replace("\n", " ")[:255]
    properties.author = properties.comments = ""
    properties.created = properties.modified = moment.astimezone(UTC).replace(tzinfo=None)


def _style(document: Any, name: str, look: _Look) -> None:
    styles = document.styles
    style = styles[name] if name in styles else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    for tag in ("w:pPr", "w:rPr"):
        for found in style.element.findall(qn(tag)):
            style.element.remove(found)
    if name != "Normal":
        style.base_style = styles["Normal"]
    style.font.name, style.font.size = look.latin, Pt(look.size)
    # Only explicit: what a style leaves out comes from Normal.
    style.font.bold = look.warning
    style.font.color.rgb = _RED if look.warning else RGBColor(0, 0, 0)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), look.font)
    if name == "Normal":
        _append(style.element.rPr, "w:lang", val="en-US", eastAsia="zh-CN")
    closer = OxmlElement("w:spacing")
    closer.set(qn("w:val"), _CLOSER if look.size == _BODY else "0")
    style.element.rPr.insert_element_before(closer, "w:sz", "w:lang")
    if look.boxed:
        borders = _append(style.element.get_or_add_pPr(), "w:pBdr")
        for side in ("top", "left", "bottom", "right"):
            _append(borders, f"w:{side}", val="single", sz="8", space="4", color=str(_RED))
    form = style.paragraph_format
    if look.line is None:
        _append(style.element.get_or_add_pPr(), "w:snapToGrid", val="0")
        form.line_spacing_rule = WD_LINE_SPACING.SINGLE
    else:
        form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, look.line
    form.alignment, form.keep_with_next = look.align, look.keep
    form.space_before = form.space_after = Pt(look.around)
    if look.indent:
        form.first_line_indent = Pt(look.indent * look.size)
        # In characters too: so it stays where a person sets another size.
        style.element.pPr.ind.set(qn("w:firstLineChars"), str(look.indent * 100))


def _page(document: Any, stamp: str) -> None:
    """The page, its header with the stamp and its footer with the number, right or left (7.5)."""
    document.settings.odd_and_even_pages_header_footer = True
    section = document.sections[0]
    for name, millimetres in (_PAGE | _MARGINS).items():
        setattr(section, name, Mm(millimetres))
    for header in (section.header, section.even_page_header):
        header.paragraphs[0].style, header.paragraphs[0].text = "Header", stamp
    for footer, align in (
        (section.footer, WD_ALIGN_PARAGRAPH.RIGHT),
        (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT),
    ):
        line = footer.paragraphs[0]
        line.style, line.paragraph_format.alignment = "Footer", align
        line.paragraph_format.left_indent = line.paragraph_format.right_indent = Pt(14)
        line.add_run("— ")
        field = _append(line._p, "w:fldSimple", instr="PAGE")
        field.append(OxmlElement("w:r"))
        field[0].append(OxmlElement("w:t"))
        field[0][0].text = "1"
        line.add_run(" —")


def _fill(
    row: _Row,
    cells: Iterable[tuple[str, str, WD_ALIGN_PARAGRAPH | None]],
    widths: Sequence[int],
    size: float,
) -> None:
    """Texts into a row, each by its style's id and, where one is given, its own alignment."""
    _append(row._tr.get_or_add_trPr(), "w:cantSplit")
    for cell, (style, text, align), width in zip(row.cells, cells, widths, strict=True):
        cell.width, cell.vertical_alignment = Twips(width), WD_CELL_VERTICAL_ALIGNMENT.CENTER
        line = cell.paragraphs[0]
        line._p.style = style
        if align is not None:
            line.alignment = align
        line.add_run(text).font.size = Pt(size)


def _spans(sheet: Table, texts: Sequence[Sequence[str]]) -> Iterable[tuple[int, int]]:
    """How wide each column must be at least, and would be, in half-width characters."""
    for place, column in enumerate(sheet.columns):
        lines = [line for row in texts for line in row[place].splitlines()]
        widest = max(map(cell_len, lines), default=0)
        least = wanted = widest
        if column.kind == "text":
            least = min(widest, max(_longest_word(lines), _NARROWEST))
            wanted = min(widest, _WIDEST)
        title = cell_len(column.title)
        if column.kind != "text" and title > _SHORT:
            title = 2 * -(-title // 4)
        title = max(title, _longest_word([column.title]))
        yield max(least, min(title, _LONGEST_WORD)), max(wanted, title)


def _longest_word(texts: Iterable[str]) -> int:
    """Of what a line is not broken in: Chinese breaks anywhere, and so does an endless word.

    One more than its letters, since capitals are wider than half their height.
    """
    words = (len(word) + 1 for text in texts for word in _WORD.findall(text))
    return min(max(words, default=0), _LONGEST_WORD)


def _twips(span: int, size: float) -> int:
    """A column's width with its margins; a half-width character is half as wide as the type is high."""
    return int(span * size * 10) + 2 * _CELL_MARGIN + 20


def _widths(spans: Sequence[tuple[int, int]], texts: Sequence[bool], size: float) -> list[int]:
    """The columns' widths in twentieths of a point, together as wide as the type area.

    ``texts`` says which columns hold texts.
    """
    least = [_twips(span, size) for span, _wanted in spans]
    wanted = [_twips(span, size) for _least, span in spans]
    base, shares = least, least
    if sum(wanted) <= _ROOM:
        # What is left goes to the texts, so columns of numbers are as wide in every table.
        shares = [width * text for width, text in zip(wanted, texts, strict=True)]
        base, shares = wanted, shares if any(shares) else wanted
    elif sum(least) < _ROOM:
        shares = [high - low for low, high in zip(least, wanted, strict=True)]
    left, whole = _ROOM - sum(base), sum(shares)
    return [width + left * share // whole for width, share in zip(base, shares, strict=True)]


def _append(parent: Any, tag: str, **attributes: str) -> Any:
    child = OxmlElement(tag)
    for name, value in attributes.items():
        child.set(qn(f"w:{name}"), value)
    parent.append(child)
    return child

"""One text for a formula, however Excel, WPS, LibreOffice or openpyxl write it."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache

from openpyxl.formula import Tokenizer
from openpyxl.formula.tokenizer import Token, TokenizerError

from wuhu_appraisal.numbers import plain

_FUTURE = "_XLFN."
"""What stands before functions that came after Excel 2007 ([MS-XLSX] 2.2.2)."""


@lru_cache(maxsize=100_000)
def normalised(formula: str) -> str:
    """The formula without spaces, without quotes that a sheet's name does not need, in capitals.

    Texts in it stay as they are, and numbers lose their exponent: 1E-10 and 0.0000000001 are one.
    """
    try:
        items = Tokenizer(formula).items
    except (TokenizerError, IndexError):
        return formula
    return "=" + "".join(_token(item) for item in items)


def _token(token: Token) -> str:
    text = str(token.value)
    if token.type == Token.WSPACE:
        # Between two ranges a space is an operator, but no formula of ours has one.
        return ""
    if token.type == Token.FUNC:
        return text.upper().removeprefix(_FUTURE)
    if token.type != Token.OPERAND or token.subtype == Token.TEXT:
        return text
    if token.subtype == Token.NUMBER:
        try:
            return plain(Decimal(text))
        except InvalidOperation:
            return text
    if token.subtype == Token.RANGE:
        sheet, mark, cells = text.rpartition("!")
        return _unquoted(sheet).casefold() + mark + cells.upper()
    return text.upper()


def _unquoted(sheet: str) -> str:
    inside = sheet.removeprefix("'").removesuffix("'")
    return inside.replace("''", "'")

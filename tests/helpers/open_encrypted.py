"""Have LibreOffice open files with passwords: run by a Python that has its bridge.

Takes the program and a file of jobs, each a path and a password or null. Prints for each what the
document says, all of a workbook's cells or of a document's text, or null if it does not open.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import uno  # type: ignore[import-not-found]  # noqa: F401 - lets the following be imported
from com.sun.star.beans import PropertyValue  # type: ignore[import-not-found]
from com.sun.star.uno import Exception as Refused  # type: ignore[import-not-found]
from fill_in import connected  # type: ignore[import-not-found]


def said(desktop: Any, path: str, password: str | None) -> str | None:
    how = [PropertyValue(Name="Hidden", Value=True)]
    if password is not None:
        how.append(PropertyValue(Name="Password", Value=password))
    try:
        document = desktop.loadComponentFromURL(Path(path).as_uri(), "_blank", 0, tuple(how))
    except Refused:
        return None
    if document is None:
        return None
    try:
        if not hasattr(document, "Sheets"):
            return str(document.Text.getString()) + tables(document)
        parts = []
        for name in document.Sheets.ElementNames:
            sheet = document.Sheets.getByName(name)
            cursor = sheet.createCursor()
            cursor.gotoEndOfUsedArea(False)
            last = cursor.RangeAddress
            area = sheet.getCellRangeByPosition(0, 0, last.EndColumn, last.EndRow)
            parts += [str(value) for row in area.getDataArray() for value in row]
        return "\n".join(parts)
    finally:
        document.close(True)


def tables(document: Any) -> str:
    found = document.TextTables
    return "\n".join(
        str(value)
        for name in found.ElementNames
        for row in found.getByName(name).getDataArray()
        for value in row
    )


def main(program: str, jobs: str) -> None:
    with tempfile.TemporaryDirectory() as profile:
        process, desktop = connected(program, profile)
        try:
            answers = [said(desktop, *job) for job in json.loads(Path(jobs).read_text("utf-8"))]
        finally:
            desktop.terminate()
            process.wait(60)
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])

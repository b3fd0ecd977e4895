"""Have LibreOffice fill in workbooks, as an office would: run by a Python that has its bridge.

Takes the program and a file of jobs. For each workbook: what to write into which cells, under
which names to save it, which cells to tell the text of, and cells whose rule of entry to try with
some values. Prints the texts and what the rules said as JSON. A locked cell is not written to.
"""

import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import uno  # type: ignore[import-not-found]
from com.sun.star.beans import PropertyValue  # type: ignore[import-not-found]
from com.sun.star.connection import NoConnectException  # type: ignore[import-not-found]

FILTERS = {"xlsx": "Calc MS Excel 2007 XML", "xls": "MS Excel 97", "ods": "calc8"}
DAY_ZERO = date(1899, 12, 30)


def connected(program: str, profile: str) -> tuple["subprocess.Popen[bytes]", Any]:
    """A LibreOffice of our own, and its desktop once it answers."""
    pipe = f"fill{Path(profile).name}"
    command = [
        program,
        f"-env:UserInstallation={Path(profile).as_uri()}",
        "--headless",
        "--norestore",
        f"--accept=pipe,name={pipe};urp;",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext(
        "com.sun.star.bridge.UnoUrlResolver", local
    )
    for _attempt in range(240):
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except NoConnectException:
            time.sleep(0.25)
        else:
            service = "com.sun.star.frame.Desktop"
            return process, context.ServiceManager.createInstanceWithContext(service, context)
    process.terminate()
    raise SystemExit("LibreOffice did not answer")


def write(cell: Any, value: Any) -> None:
    if isinstance(value, dict):
        cell.setValue((date.fromisoformat(value["date"]) - DAY_ZERO).days)
    elif isinstance(value, str):
        cell.setString(value)
    else:
        cell.setValue(value)


def tried(sheet: Any, address: str, values: list[Any]) -> list[bool]:
    """What a rule says of each value in its first cell: its formula as the program read it."""
    cell = sheet.getCellRangeByName(address)
    rule = cell.Validation
    scratch = sheet.getCellRangeByName("AZ900")
    sheet.unprotect("")
    found = []
    for value in values:
        write(cell, value)
        scratch.setFormula(f"={rule.getFormula1()}")
        found.append(scratch.getValue() == 1)
    return found


def done(desktop: Any, job: dict[str, Any]) -> dict[str, Any]:
    hidden = PropertyValue(Name="Hidden", Value=True)
    book = desktop.loadComponentFromURL(Path(job["path"]).as_uri(), "_blank", 0, (hidden,))
    texts: dict[str, dict[str, str]] = {}
    for name, cells in job["cells"].items():
        sheet = book.Sheets.getByName(name)
        for address, value in cells.items():
            cell = sheet.getCellRangeByName(address)
            # The bridge writes where a person may not.
            if sheet.isProtected() and cell.CellProtection.IsLocked:
                raise SystemExit(f"{job['path']} {name} {address} is locked")
            write(cell, value)
    book.calculateAll()
    for name, addresses in job.get("ask", {}).items():
        sheet = book.Sheets.getByName(name)
        texts[name] = {at: sheet.getCellRangeByName(at).getString() for at in addresses}
    for ending, path in job.get("save", {}).items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        how = PropertyValue(Name="FilterName", Value=FILTERS[ending])
        book.storeToURL(Path(path).as_uri(), (how,))
    rules = {
        name: {at: tried(book.Sheets.getByName(name), at, values) for at, values in cells.items()}
        for name, cells in job.get("try", {}).items()
    }
    book.close(True)
    return {"texts": texts, "tried": rules}


def main(program: str, jobs: str) -> None:
    with tempfile.TemporaryDirectory() as profile:
        process, desktop = connected(program, profile)
        try:
            answers = [done(desktop, job) for job in json.loads(Path(jobs).read_text("utf-8"))]
        finally:
            desktop.terminate()
            process.wait(60)
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Draw the README's pictures: ``python docs/pictures.py``.

The terminal is drawn by rich and Chromium; the workbook by LibreOffice and pdftoppm (poppler).
They must be installed, together with a font for Chinese (fonts-noto-cjk).
"""

import subprocess
import tempfile
from pathlib import Path

from rich.console import Console

from wuhu_appraisal import appraise, language, load_scheme
from wuhu_appraisal.output import tables, text, workbook
from wuhu_appraisal.result import Result

HERE = Path(__file__).parent
IMAGES = HERE / "images"
EXAMPLES = HERE.parent / "examples" / "stage-files"


PAGE = """<meta charset="utf-8"><style>{stylesheet} body {{ margin: 16px; background: #fff }}
pre {{ font: 15px/1.25 "Noto Sans Mono CJK SC"; margin: 0 }}</style><pre>{code}</pre>"""


def draw_terminal(result: Result) -> None:
    with tempfile.TemporaryDirectory() as folder, Path(folder, "out").open("w") as nowhere:
        console = Console(record=True, width=104, file=nowhere, force_terminal=True)
        console.print("$ appraise compute stage-files/")
        text.print_table(console, tables.rankings(result)[0])
        text.print_findings(console, result.findings)
        page = Path(folder, "page.html")
        console.save_html(str(page), code_format=PAGE)
        browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        target = f"--screenshot={IMAGES / 'terminal.png'}"
        subprocess.run(
            [*browser, target, "--window-size=900,330", page.as_uri()],
            check=True,
            capture_output=True,
        )


def draw_workbook(result: Result) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.xlsx"
        path.write_bytes(workbook.render(result, final=True))
        office = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", folder, str(path)]
        subprocess.run(office, check=True, capture_output=True)
        page = ["pdftoppm", "-r", "80", "-f", "2", "-l", "2", "-png", "-singlefile"]
        pdf = str(path.with_suffix(".pdf"))
        subprocess.run([*page, pdf, str(IMAGES / "workbook")], check=True)


if __name__ == "__main__":
    language.activate("zh")
    result = appraise(load_scheme("wuhu-2020"), [EXAMPLES])
    draw_terminal(result)
    draw_workbook(result)

"""Measure the ratios of docs/benchmarks.md, each pair of commands by turns in one run.

``python benchmarks/run.py [--country FOLDER] [--runs N]`` prints the table in Markdown. The
country-size input (35 MB) is generated into FOLDER unless it is there.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples" / "stage-files"
PYTHON = sys.executable
FORMATS = ("xlsx", "docx", "csv", "json", "md")
APPRAISE = str(Path(PYTHON).with_name("appraise"))


@dataclass(frozen=True)
class Measured:
    """Wall seconds and peak memory in MB of one run."""

    seconds: float
    megabytes: float


def measure(command: Sequence[str], folder: Path) -> Measured:
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return Measured(seconds, usage.ru_maxrss / 1024)


def pair(name: str, ours: Sequence[str], other: Sequence[str], target: str, runs: int) -> str:
    """One row of the table: both commands by turns, after one warm-up of each."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        measure(ours, folder)
        measure(other, folder)
        pairs = [(measure(ours, folder), measure(other, folder)) for _run in range(runs)]
    ratios = sorted(a.seconds / b.seconds for a, b in pairs)
    ours_s, other_s = (median(m.seconds for m in side) for side in zip(*pairs, strict=True))
    memory = [max(m.megabytes for m in side) for side in zip(*pairs, strict=True)]
    return (
        f"| {name} | {ours_s:.2f} s | {other_s:.2f} s | **{median(ratios):.2f}** "
        f"({ratios[0]:.2f}–{ratios[-1]:.2f}) | {target} | {memory[0]:.0f} MB | {memory[1]:.0f} MB |"
    )


def reports(runs: int) -> list[str]:
    """Every format on the examples, against the computing that it follows."""
    compute = [APPRAISE, "compute", str(EXAMPLES)]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([*compute, "--out", scratch], check=True, stdout=subprocess.DEVNULL)
        result = ["--result", str(Path(scratch) / "appraisal.json")]
        for words in (
            *(["--format", form, "--out", f"x.{form}"] for form in FORMATS),
            ["--unit", "镜湖区", "--out", "unit.xlsx"],
            ["--each-unit", "units"],
        ):
            said = f"(d) `appraise report {' '.join(words[:2])}` / `appraise compute`, examples"
            rows.append(pair(said, [APPRAISE, "report", *words, *result], compute, "—", runs))
    return rows


def analyses(runs: int) -> list[str]:
    """What a result tells beyond its ranking, against the computing that it follows."""
    compute = [APPRAISE, "compute", str(EXAMPLES)]
    next_year = EXAMPLES.parent / "next-year"
    later = ["--scheme", str(next_year / "scheme")]
    with tempfile.TemporaryDirectory() as scratch:
        old, new = Path(scratch) / "old", Path(scratch) / "new"
        year = [APPRAISE, "compute", str(next_year / "stage-files"), *later]
        for command, folder in ((compute, old), (year, new)):
            command = [*command, "--out", str(folder)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        commands = {
            "sensitivity": [str(old / "appraisal.json")],
            "raters": [str(old / "appraisal.json")],
            "compare": [str(old), str(new), "--old-scheme", "wuhu-2020", *later],
        }
        return [
            pair(
                f"(f) `appraise {name}` / `appraise compute`, examples",
                [APPRAISE, name, *words],
                compute,
                "≤ 3",
                runs,
            )
            for name, words in commands.items()
        ]


def country_workbook(country: Path, runs: int) -> str:
    """The workbook of 3.5 million scores against the same numbers written bare."""
    with tempfile.TemporaryDirectory() as scratch:
        scheme = ["--scheme", str(country / "scheme")]
        compute = [APPRAISE, "compute", str(country / "files"), *scheme, "--out", scratch]
        subprocess.run(compute, check=True, stdout=subprocess.DEVNULL)
        ours = [APPRAISE, "report", *scheme, "--result", str(Path(scratch) / "appraisal.json")]
        bare = [PYTHON, str(HERE / "bare_write.py"), "bare.xlsx"]
        return pair(
            "(e) `appraise report` on 3.5 million scores / bare_write.py (XlsxWriter)",
            [*ours, "--out", "big.xlsx"],
            bare,
            "—",
            runs,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--country", type=Path, default=HERE / "data")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    country = arguments.country.resolve()
    if not (country / "scheme").is_dir():
        subprocess.run(
            [PYTHON, str(HERE / "country.py"), str(country)], check=True, stdout=subprocess.DEVNULL
        )
    print("| what | ours | other | ratio (least–most) | to reach | memory | other's memory |")
    print("|---|---|---|---|---|---|---|")
    rows = [
        pair(
            "(a) `appraise --help` / `python -c 'import click'`",
            [APPRAISE, "--help"],
            [PYTHON, "-c", "import click"],
            "≤ 1.5",
            3 * arguments.runs,
        ),
        pair(
            "(b) `appraise compute` on the examples / plain.py (pandas, openpyxl)",
            [APPRAISE, "compute", str(EXAMPLES)],
            [PYTHON, str(HERE / "plain.py"), str(EXAMPLES), "plain.xlsx"],
            "≤ 1.0",
            arguments.runs,
        ),
        pair(
            "(c) `appraise compute` on 3.5 million scores / bare.py (python-calamine)",
            [APPRAISE, "compute", str(country / "files"), "--scheme", str(country / "scheme")],
            [PYTHON, str(HERE / "bare.py"), str(country / "files")],
            "≤ 4",
            max(arguments.runs // 2, 1),
        ),
        *reports(arguments.runs),
        *analyses(arguments.runs),
        country_workbook(country, max(arguments.runs // 2, 1)),
    ]
    print("\n".join(rows))


if __name__ == "__main__":
    main()

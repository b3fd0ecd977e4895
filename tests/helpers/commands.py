"""Every command with arguments that it runs with, and the commands that a text names."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TypeAlias


def commands(text: str) -> list[str]:
    return re.findall(r"^(?:appraise|python3) .*$", text, re.MULTILINE)


Words: TypeAlias = tuple[str, ...]

IN = "in"
UNIT, OTHER = "成都市", "眉山市"
DECISION = shlex.split(
    "--as correct --file 2011年市级国土资源管理部门政务信息网上公开情况排名表.xlsx --sheet 排名表 "
    "--cell H4 --was 3 --value 2.5 --reason A --by A --clause A --yes"
)
SECRET = ("--password-file", "secret")
CASES: Mapping[Words, Sequence[Sequence[str]]] = {
    ("compute",): [
        (IN, "--out", "plain"),
        (IN, "--out", "provisional", "--provisional"),
        (IN, "--out", "logged", "--verbose", "--log", "log.jsonl"),
        (IN, "--out", "sealed", "--encrypt-result", *SECRET),
    ],
    ("validate",): [(IN,), (IN, "--json"), (IN, "--ledger"), (IN, "--slips", "slips")],
    ("status",): [(IN,), (IN, "--json", "--missing")],
    ("template",): [("forms",)],
    ("report",): [
        *(("--format", form) for form in ("xlsx", "docx", "csv", "json", "md")),
        ("--encrypt", *SECRET, "--out", "encrypted.xlsx"),
        ("--audience", "leading-group", "--recipient", "A"),
        ("--audience", "public", "--format", "csv"),
        ("--unit", UNIT),
        ("--each-unit", "letters"),
        ("--each-unit", "letters", "--format", "docx"),
    ],
    ("explain",): [(UNIT,), (UNIT, "--json"), (UNIT, "--format", "md"), (UNIT, "--against", OTHER)],
    ("raters",): [(), ("--json",), ("--out", "raters.xlsx")],
    ("sensitivity",): [(), ("--json",), ("--out", "sensitivity.xlsx")],
    ("compare",): [("results", "results"), ("results", "results", "--json", "--out", "c.xlsx")],
    ("scheme", "list"): [(), ("--json",)],
    ("scheme", "check"): [()],
    ("scheme", "show"): [(), ("--json",)],
    ("scheme", "copy"): [("copied",)],
    ("scheme", "schema"): [()],
    ("scheme", "test"): [("wuhu-2020",)],
    ("doctor",): [(), ("--json",)],
    ("freeze",): [(IN, "--by", "A")],
    ("verify",): [("--files", IN)],
    ("decide",): [(IN, *DECISION)],
}
"""For each command what it is called with, in a folder with an input, a result and a password.

A new command has no case, and a test fails until it is given one.
"""

"""What one would write by hand for the Wuhu example: what the package is timed against.

Usage: python plain.py FOLDER OUTPUT.xlsx

It reads every workbook of examples/stage-files at fixed places and trusts all that it finds.
"""

import re
import sys
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

Table: TypeAlias = Any
"""A DataFrame or a Series; their cells are of any type."""

COUNTIES = ["无为市", "南陵县", "湾沚区", "繁昌区", "镜湖区", "弋江区", "鸠江区"]
ALIASES = {
    "芜湖市发展和改革委员会": "市发改委",
    "芜湖市卫生健康委员会": "市卫健委",
    "芜湖市市场监督管理局": "市市场监管局",
    "市贸促会": "中国国际贸促会芜湖市支会",
}
WEIGHTS = {"专业机构测评": 45, "双向互评": 25, "日常测评": 20, "社会评议": 10}
TIERS = {"县(市)区政府本级": 7, "乡镇(街道)": 2, "县(市)区直单位": 1}


def read(path: Path) -> dict[str, Table]:
    """All sheets of a workbook as raw tables."""
    with pd.ExcelFile(path, engine="openpyxl") as book:
        return pd.read_excel(book, sheet_name=None, header=None)


def government_score(table: Table) -> float:
    """The county government's sheet: items from the fourth row, a total and the foot after them."""
    rows = table.iloc[3:-2]
    marks = pd.to_numeric(rows[3])
    scores = pd.to_numeric(rows[4], errors="coerce")
    return float(scores.sum() / marks[scores.notna()].sum() * 100)


def matrix_scores(table: Table) -> Table:
    """A sheet with items in columns: each row's score, made up to 100 where an item has a '/'."""
    titles = table.iloc[3, 2:-2]
    marks = titles.map(lambda title: float(re.findall(r"\((\d+)分\)$", title)[0]))
    rows = table.iloc[4:-1]
    scores = rows.iloc[:, 2:-2].apply(pd.to_numeric, errors="coerce")
    result = scores.sum(axis=1) / (scores.notna() * marks).sum(axis=1) * 100
    result.index = rows[1].replace(ALIASES)
    return result


def list_scores(table: Table) -> Table:
    """A sheet with one number a unit in its third column."""
    rows = table.iloc[3:-1]
    return pd.to_numeric(rows.set_index(1)[2])


def assessed(folder: Path) -> Table:
    """The scores of an assessment by items: counties by tiers, municipal units directly."""
    found: dict[str, float] = {}
    for path in sorted((folder / "县市区").glob("*.xlsx")):
        sheets = read(path)
        score = TIERS["县(市)区政府本级"] * government_score(sheets["县(市)区政府本级"])
        for tier in ("乡镇(街道)", "县(市)区直单位"):
            score += TIERS[tier] * matrix_scores(sheets[tier]).mean()
        found[path.stem] = score / sum(TIERS.values())
    municipal = matrix_scores(read(folder / "市直单位.xlsx")["市直单位"])
    return pd.concat([pd.Series(found), municipal])


def mutual(folder: Path) -> Table:
    """The mean of each unit's ballots."""
    means: list[Table] = []
    for group in ("测评县市区", "测评市直单位"):
        ballots = [
            list_scores(read(path)["评分表"]) for path in sorted((folder / group).glob("*.xlsx"))
        ]
        means.append(pd.concat(ballots, axis=1).mean(axis=1))
    return pd.concat(means)


def daily(folder: Path) -> Table:
    """The mean of each unit's rounds."""
    rounds: list[Table] = []
    for path in sorted(folder.glob("*.xlsx")):
        sheets = read(path)
        rounds.append(pd.concat([list_scores(table) for table in sheets.values()]))
    return pd.concat(rounds, axis=1).mean(axis=1)


def adjustments(path: Path) -> Table:
    """The points of each unit's bonuses and deductions."""
    sheets = read(path)
    ranks = list_scores(sheets["全省先进单位名单"])
    bonus = ranks.map(lambda rank: 5 if rank <= 10 else 3 if rank <= 20 else 1)
    interpretation = list_scores(sheets["优秀政策解读"]).groupby(level=0).sum().clip(upper=2)
    deductions = [-list_scores(sheets[name]) for name in ("标准化规范化专项", "权力配置专项")]
    return pd.concat([bonus, interpretation, *deductions]).groupby(level=0).sum()


def ranked(table: Table) -> Table:
    """A group's units by their final, equal ones sharing a rank."""
    table = table.sort_values("最后得分", ascending=False, kind="stable")
    table.insert(0, "名次", table["最后得分"].round(2).rank(ascending=False, method="min"))
    table["名次"] = table["名次"].astype(int)
    return table


def main() -> None:
    """Read, compute, write, and show the first three of each group."""
    folder, output = Path(sys.argv[1]), sys.argv[2]
    table: Table = pd.DataFrame(
        {
            "专业机构测评": assessed(folder / "专业机构测评"),
            "双向互评": mutual(folder / "双向互评"),
            "日常测评": daily(folder / "日常测评"),
            "社会评议": assessed(folder / "社会评议"),
        }
    )
    table["综合得分"] = sum(table[stage] * weight / 100 for stage, weight in WEIGHTS.items())
    table["加扣分"] = adjustments(folder / "加扣分" / "加扣分情况.xlsx")
    table["加扣分"] = table["加扣分"].fillna(0)
    table["最后得分"] = (table["综合得分"] + table["加扣分"]).clip(lower=0)
    table.index.name = "单位"
    county = table.index.isin(COUNTIES)
    groups = {"县(市)区": ranked(table[county]), "市直单位": ranked(table[~county])}
    with pd.ExcelWriter(output, engine="openpyxl") as writer:
        for name, group in groups.items():
            group.round(2).to_excel(writer, sheet_name=name)
    for name, group in groups.items():
        print(name, len(group))
        for unit, row in group.head(3).iterrows():
            print(f"  {row['名次']:.0f} {unit} {row['最后得分']:.4f}")


if __name__ == "__main__":
    main()

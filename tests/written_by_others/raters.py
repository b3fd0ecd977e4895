"""Write raters.json: agreement of drawn ballots as pingouin, scipy and krippendorff compute it.

Run it where these libraries are installed; the tests need only the file.
"""

import json
import random
from importlib.metadata import version
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import pingouin
from scipy.stats import friedmanchisquare


def main() -> None:
    drawn = random.Random(2020)
    panels = []
    for units, raters, missing in ((6, 3, 0), (12, 4, 0), (7, 16, 0), (20, 5, 0), (9, 4, 5)):
        quality = [drawn.gauss(80, 8) for _unit in range(units)]
        severity = [drawn.gauss(0, 4) for _rater in range(raters)]
        rows = [[round(q + s + drawn.gauss(0, 3)) for s in severity] for q in quality]
        gaps = drawn.sample(range(units * raters), missing)
        scores = [
            [None if at * raters + place in gaps else score for place, score in enumerate(row)]
            for at, row in enumerate(rows)
        ]
        table = np.array([[np.nan if it is None else it for it in row] for row in scores], float)
        figures = {"alpha": krippendorff.alpha(table.T, level_of_measurement="interval")}
        if not missing:
            long = pd.DataFrame(table).melt(ignore_index=False, var_name="r", value_name="s")
            found = pingouin.intraclass_corr(long.reset_index(names="u"), "u", "r", "s")
            values = dict(zip(found["Type"], found["ICC"], strict=True))
            names = {"ICC(A,1)": "icc_a1", "ICC(A,k)": "icc_ak", "ICC(C,1)": "icc_c1"}
            names |= {"ICC(C,k)": "icc_ck"}
            figures |= {ours: values[theirs] for theirs, ours in names.items()}
            statistic = friedmanchisquare(*table).statistic
            figures["kendall_w"] = statistic / (raters * (units - 1))
        panels.append({"scores": scores, "figures": {k: float(v) for k, v in figures.items()}})
    versions = {name: version(name) for name in ("pingouin", "scipy", "krippendorff")}
    lines = ",\n  ".join(map(json.dumps, panels))
    text = f'{{"versions": {json.dumps(versions)},\n "panels": [\n  {lines}\n]}}\n'
    Path(__file__).with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

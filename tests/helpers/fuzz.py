"""Break workbooks in many ways and read them; run in a process of its own by test_fuzz.py.

``python fuzz.py FOLDER COUNT SEED [EVERY]``: every file in the folder is broken COUNT times, and of
each mutant whose number divides by EVERY a return slip is made. Prints how many mutants were read and
how many refused; anything else (a traceback, an abort, a stall) ends it.
"""

import io
import random
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path

from wuhu_appraisal.output.slips import slip
from wuhu_appraisal.workbooks.open import read_sheets

SLOWEST = 10.0
EXTREMES = (b"999999999", b"-1", b"1048577", b"XFD", b"1e309", b"\xff", b"<", b"&x;", b"")


def broken(content: bytes, chance: random.Random) -> bytes:
    """The content with a byte changed, a tail cut, a piece doubled or a number made extreme."""
    if not content:
        return b"\x00"
    data = bytearray(content)
    match chance.randrange(5):
        case 0:
            for _time in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        case 1:
            del data[chance.randrange(len(data)) :]
        case 2:
            start = chance.randrange(len(data))
            piece = data[start : start + chance.randint(1, 400)]
            data[start:start] = piece * chance.randint(1, 20)
        case 3:
            start = chance.randrange(len(data))
            del data[start : start + chance.randint(1, 200)]
        case _:
            places = [at for at, byte in enumerate(data) if 48 <= byte <= 57] or [0]
            at = chance.choice(places)
            data[at : at + 1] = chance.choice(EXTREMES)
    return bytes(data)


def broken_inside(content: bytes, chance: random.Random) -> bytes:
    """A zip whose parts are whole but for one, which is broken before it is packed again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    part = chance.choice(sorted(name for name in parts if name.endswith((".xml", ".rels", ".bin"))))
    parts[part] = broken(parts[part], chance)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, inner in parts.items():
            archive.writestr(name, inner)
    return target.getvalue()


def main(folder: Path, count: int, seed: int, every: int = 0) -> None:
    outcomes: Counter[str] = Counter()
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        chance = random.Random(f"{seed} {path.name}")
        for number in range(count):
            inside = content.startswith(b"PK") and chance.random() < 0.7
            mutant = broken_inside(content, chance) if inside else broken(content, chance)
            started = time.monotonic()
            grids, findings = read_sheets(path.name, mutant)
            assert time.monotonic() - started < SLOWEST, path.name
            assert grids or findings, path.name
            if every and number % every == 0:
                assert slip(path.name, mutant, grids, findings).startswith(b"PK"), path.name
                assert time.monotonic() - started < SLOWEST, path.name
            outcomes["refused" if not grids else "read"] += 1
    print(dict(outcomes), "mutants", sum(outcomes.values()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))

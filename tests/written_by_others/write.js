// Writes the files beside it: `npm install xlsx@0.18.5`, then `node write.js FOLDER`.
const path = require("path");
const X = require("xlsx");

const number = (v, z) => ({ t: "n", v, ...(z ? { z } : {}) });
const error = (v) => ({ t: "e", v });
const text = (v) => ({ t: "s", v });
const CELLS = {
  text: text("80"),
  spaces: text("  80 "),
  "full width": text("８０"),
  "full-width point": text("９．５"),
  "circle point": text("9。5"),
  word: text("95分"),
  thousands: text("1,000"),
  numeral: text("九十五"),
  "a word": text("良好"),
  percent: number(0.95, "0%"),
  "percent text": text("95%"),
  "digits above": number(20.400000000000002),
  "digits below": number(20.399999999999999),
  "shown rounded": number(9.55, "0.0"),
  "format word": number(9.55, '"优秀"'),
  "format nothing": number(9.55, ";;;"),
  scientific: number(95, "0.00E+00"),
  "error division": error(0x07),
  "error reference": error(0x17),
  "error none": error(0x2a),
  date: number(44325, 'm"月"d"日"'),
  time: number((7 * 3600 + 2 * 60 + 1) / 86400, "h:mm:ss"),
  boolean: { t: "b", v: true },
  stroke: text("/"),
  dash: text("—"),
  none: text("无"),
  "not applicable": text("N/A"),
  "not applicable in words": text("不适用"),
  "below zero": number(-1),
  "over marks": number(100.5),
  decimals: number(9.567),
};

function page(rows, more) {
  const made = X.utils.aoa_to_sheet([["单位", "得分"]]);
  rows.forEach(([unit, cell], at) => {
    made["A" + (at + 2)] = text(unit);
    if (cell) made["B" + (at + 2)] = cell;
  });
  made["!ref"] = "A1:B" + (rows.length + 1);
  return Object.assign(made, more);
}
const both = (cell, more) => page([["甲市", cell], ["乙市", cell]], more);
const pages = Object.fromEntries(Object.entries(CELLS).map(([name, cell]) => [name, both(cell)]));
Object.assign(pages, {
  blank: both(null),
  "hidden row": both(number(80), { "!rows": [{}, { hidden: true }] }),
  "hidden column": both(number(80), { "!cols": [{}, { hidden: true }] }),
  "hidden sheet": both(number(80)),
  "very hidden sheet": both(number(80)),
  "merged scores": both(number(80), { "!merges": [X.utils.decode_range("B2:B3")] }),
  "unit twice": page([["甲市", number(80)], ["乙市", number(80)], ["甲市", number(70)]]),
  "other group": page([["甲市", number(80)], ["乙市", number(80)], ["丙县", number(70)]]),
});
const HIDDEN = { "hidden sheet": 1, "very hidden sheet": 2 };
const names = Object.keys(pages);
const half = Math.ceil(names.length / 2);
[names.slice(0, half), names.slice(half)].forEach((part, at) => {
  const book = X.utils.book_new();
  part.forEach((name) => X.utils.book_append_sheet(book, pages[name], "cell " + name));
  book.Workbook = { Sheets: part.map((name) => ({ Hidden: HIDDEN[name] || 0 })) };
  for (const [bookType, ending] of [["biff8", "xls"]]) {
    const file = path.join(process.argv[2], `cells-${at + 1}.${ending}`);
    X.writeFile(book, file, { bookType, cellStyles: true, compression: true });
  }
});

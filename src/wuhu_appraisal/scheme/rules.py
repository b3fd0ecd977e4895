"""The rules of a stage as they are written in YAML.

How sheets are read (labels, names, severities), the steps from scores to one number, and the checks
across the scores of a stage.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema

from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.numbers import exact_text, short_text


class Model(BaseModel):
    """The base of every model of a YAML file: unknown keys are errors, instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Model):
    """A text in both languages; a plain string stands for both."""

    zh: str
    en: str


def _bilingual(_source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    """Read a ``Text``, keep it as ``Bilingual``, and write it as a mapping again."""
    return core_schema.no_info_after_validator_function(
        lambda text: Bilingual(text.zh, text.en),
        handler(Text),
        serialization=core_schema.plain_serializer_function_ser_schema(Bilingual._asdict),
    )


def _mapping(value: Any) -> Any:
    if isinstance(value, Bilingual):
        return value._asdict()
    return {"zh": value, "en": value} if isinstance(value, str) else value


InBothLanguages = Annotated[Bilingual, GetPydanticSchema(_bilingual)]
Localised = Annotated[InBothLanguages, BeforeValidator(_mapping, json_schema_input_type=str | Text)]
"""A text in both languages; a plain string stands for both, as names do."""

Identifier = Annotated[str, Field(pattern=r"\S")]
FilePattern = Annotated[str, AfterValidator(lambda text: text.replace("\\", "/"))]
"""A pattern for files; parts of a path may be divided as Windows does."""

NonNegative = Annotated[Decimal, Field(ge=0)]
Positive = Annotated[Decimal, Field(gt=0)]
_SHARE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}|/[1-9][0-9]{0,8})?")


def _fraction(value: Any) -> Any:
    number = isinstance(value, Decimal | Fraction | int) and not isinstance(value, bool)
    if number or (isinstance(value, str) and _SHARE.fullmatch(value)):
        return Fraction(value)
    raise PydanticCustomError("decimal_parsing", "a number or a fraction such as 1/3 is expected")


Share = Annotated[
    Fraction,
    BeforeValidator(_fraction),
    Field(gt=0),
    PlainSerializer(exact_text, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"exclusiveMinimum": 0.0, "type": "number"},
                {"pattern": f"^{_SHARE.pattern}$", "type": "string"},
            ]
        }
    ),
]
"""A share of a whole: a decimal, or a fraction such as 1/3."""


ChangeableCode = Literal[
    "score-below-zero",
    "score-over-marks",
    "score-decimals",
    "score-scientific",
    "score-shown-otherwise",
    "score-struck-out",
    "score-invisible",
    "scores-mixed",
    "scores-all-small",
    "scores-split",
    "formula-gives-zero",
    "marks-differ",
    "not-applicable-misplaced",
    "score-misplaced",
    "register-disagrees",
    "register-body-missing",
    "register-body-unscored",
    "total-differs",
    "average-differs",
    "rank-differs",
    "deduction-disagrees",
    "column-unknown",
    "row-passed-over",
    "sheet-unrecognised",
    "sheet-hidden",
    "sheet-very-hidden",
    "rows-hidden",
    "rows-filtered",
    "columns-hidden",
    "member-not-here",
    "name-not-there",
    "adjustment-no-reason",
    "adjustment-no-evidence",
    "adjustment-over-ceiling",
    "fault-twice",
    "list-empty",
]
"""The findings whose severity a scheme may set; a score that has only a warning counts."""


Words = tuple[str, ...]


def _words(text: str) -> Words:
    return tuple(text.split())


class Labels(Model):
    """The words by which header cells and rows are recognised, wherever they stand in the sheet."""

    unit: Words = _words("测评对象 考评对象 被测评单位 单位名称 单位 名称")
    indicator: Words = _words("二级指标 考评指标 测评指标 指标名称 指标 考评内容 测评内容")
    marks: Words = _words("分值 满分 标准分 权重分值")
    deduction: Words = _words("扣分 扣分值 扣减分值 失分")
    reason: Words = _words("扣分原因 扣分理由 失分原因 扣分依据")
    rank: Words = _words("排名 名次 排序 位次")
    date: Words = _words("填表日期 填报日期 测评日期 日期")
    sender: Words = _words("填报单位 测评单位 评分单位 报送单位")
    score: Words = _words("得分 评分 测评得分 分数 评价得分 考评得分 最终得分")
    applies: Words = _words("适用情况 是否适用")
    total: Words = _words("合计 总分 总计 得分合计 汇总 共计 累计 总和 sum total")
    average: Words = _words("平均 平均分 平均得分 均分 平均值 均值 平均数 average mean")
    summary: Words = _words(
        "小计 总体 总得分 总成绩 综合得分 最高分 最低分 最高 最低 得分率 标准差 中位数 subtotal"
    )
    number: Words = _words("序号 顺序号 No No.")
    ignored: Words = _words("一级指标 类别 序号 备注 说明")
    foot: Words = _words(
        "填表人 制表人 填报人 经办人 复核人 负责人 单位负责人 联系人 电话 盖章 审核人 "
        "填报单位 填表日期 日期 联系电话 备注 注 说明"
    )


class Reading(Model):
    """How the cells of a sheet are read."""

    name_prefixes: list[str] = []
    name_suffixes: list[str] = []
    not_applicable: list[str] = ["/", "—", "无", "N/A", "不适用"]
    applicable: Annotated[list[str], Field(min_length=1)] = Field(
        ["√", "✓", "✔", "✔\ufe0f", "☑", "☑\ufe0f", "v", "V", "Y", "y", "是", "适用", "1"],
        description="marks in a register for an item that applies",
    )
    inapplicable: list[str] = Field(
        ["否", "×", "✕", "✖", "✖\ufe0f", "✗", "✘", "☒", "╳", "x", "X", "N", "n", "0", "-"],
        description="marks in a register for one that does not, beside not_applicable",
    )
    decimals: Annotated[int, Field(ge=0, le=10)] | None = Field(
        None, description="the most decimals that a score may have; left out, any number of them"
    )
    number_words: list[str] = Field(
        ["分"], description="words that may follow a number written as text"
    )
    severities: dict[ChangeableCode, Literal["error", "warning"]] = Field(
        {}, description="findings that this scheme makes an error or a warning"
    )
    labels: Labels = Labels()

    def severity(self, code: str) -> Literal["error", "warning"] | None:
        """The severity that the scheme gives a finding; None if it leaves that as it is."""
        return self.severities.get(code)  # type: ignore[call-overload, no-any-return]


def by_key(error: str, message: str, **classes: type[Model]) -> GetPydanticSchema:
    """Tell the classes of a union apart by the key that each of them alone has.

    The locations of pydantic's errors then contain the class's name, which is never a key in YAML.
    """

    def class_name(value: Any) -> str | None:
        if isinstance(value, dict):
            return next((model.__name__ for key, model in classes.items() if key in value), None)
        return type(value).__name__

    def union(_source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.tagged_union_schema(
            {model.__name__: handler.generate_schema(model) for model in classes.values()},
            class_name,
            custom_error_type=error,
            custom_error_message=message,
        )

    return GetPydanticSchema(union)


Policy = Literal["error", "exclude", "zero"]
"""What a step does about an absent score: report an error, which stops the result; exclude it and
scale the weights or marks of the rest up to the whole at that level; or count it as 0."""

ItemPolicy = Literal["error", "exclude", "exclude_equally", "zero"]
"""The policies of a step; to exclude equally, in a sum over indicators alone, gives the marks of the
absent ones to the others in equal parts: each score is scaled to its marks and its part."""


class RollUp(Model):
    """Make one score of all scores along a dimension.

    ``to`` stops at a level of the indicator tree (1 is the top) instead of going to the root.
    ``by: facts`` makes the score of each item of its facts, and leaves other scores as they are.
    """

    roll_up: str
    by: Literal["sum", "mean", "weighted", "median", "trimmed_mean", "best", "latest", "facts"]
    missing: ItemPolicy
    not_applicable: ItemPolicy
    weights: dict[str, Positive] | None = None
    to: Annotated[int, Field(ge=1)] | None = None
    drop_high: Annotated[int, Field(ge=0)] = 0
    drop_low: Annotated[int, Field(ge=0)] = 0
    n: Annotated[int, Field(ge=1)] | None = None
    clause: str = ""

    @property
    def equally(self) -> bool:
        """Whether the marks of absent items are given to the others in equal parts."""
        return "exclude_equally" in (self.missing, self.not_applicable)


class Rescale(Model):
    """Scale scores to other full marks: 37 of 46 becomes 80.43 of 100.

    ``from`` defaults to the full marks that the steps before leave.
    """

    rescale: Positive
    from_: Annotated[Positive | None, Field(alias="from")] = None
    clause: str = ""


class Convert(Model):
    """Turn grades into numbers: 优秀 becomes 95."""

    convert: Annotated[dict[str, NonNegative], Field(min_length=1)]
    clause: str = ""


Step = Annotated[
    RollUp | Rescale | Convert,
    by_key(
        "step_unknown",
        "a step begins with roll_up, rescale or convert",
        roll_up=RollUp,
        rescale=Rescale,
        convert=Convert,
    ),
]


class _Check(Model):
    """The severity of a check's findings, and the clause that asks for the check."""

    severity: Literal["error", "warning"]
    clause: str

    @property
    def dimension(self) -> tuple[str, str] | None:
        """The key by which the check names a dimension, and that dimension; None if it names none."""
        keys = ("spread", "flat", "identical", "outlier", "distance", "empty", "inapplicable")
        return next(((key, getattr(self, key)) for key in keys if hasattr(self, key)), None)


class Spread(_Check):
    """A rater's highest and lowest score must differ by a share of the full marks or the highest."""

    spread: str = Field(description="the dimension whose members each give several scores")
    at_least_percent: Positive
    of: Literal["full_marks", "highest"]


class Flat(_Check):
    """A rater's scores must not all be the same."""

    flat: str = Field(description="the dimension whose members each give several scores")


class Identical(_Check):
    """No two raters may give the same score in every cell."""

    identical: str = Field(description="the dimension whose members each give several scores")


class Outlier(_Check):
    """A rater's scores should not be far from all others', measured by a robust z-score.

    The default limit is the one that Iglewicz and Hoaglin (1993) recommend for it.
    """

    outlier: str = Field(description="the dimension whose members each give several scores")
    beyond: Positive = Decimal("3.5")


class Distance(_Check):
    """A score should not be far from the median of the others that a step combines it with.

    Where several such checks of a dimension report a score, the strictest of them counts.
    """

    distance: str = Field(
        description="the dimension along which a unit's scores are compared with each other, "
        "as the step that combines them takes them; for the composite: stage"
    )
    beyond: Positive = Field(
        description="points out of 100; in proportion where the full marks are others"
    )


class Empty(_Check):
    """Each unit must have a score in each member of this dimension."""

    empty: str


class Inapplicable(_Check):
    """No unit or body without a register may have '/' for more than a share of the marks."""

    inapplicable: str = Field(description="the dimension of the indicators")
    at_most_percent: Positive


class Dated(_Check):
    """The date on a sheet must be in the stage's window."""

    date: Literal["in_window"]


class Reasoned(_Check):
    """A score below full marks needs a reason or note beside it, in sheets with one score a row."""

    reason: Literal["where_marks_are_lost"]


Check = Annotated[
    Spread | Flat | Identical | Outlier | Distance | Empty | Inapplicable | Dated | Reasoned,
    by_key(
        "check_unknown",
        "a check begins with spread, flat, identical, outlier, distance, empty, inapplicable, "
        "date or reason",
        spread=Spread,
        flat=Flat,
        identical=Identical,
        outlier=Outlier,
        distance=Distance,
        empty=Empty,
        inapplicable=Inapplicable,
        date=Dated,
        reason=Reasoned,
    ),
]
"""A check across the scores of a stage; it reports and never changes a score."""


SIGNS = {"at_least": ">=", "above": ">", "at_most": "<=", "below": "<", "equal": "="}
"""The sign of each bound in a formula."""


class Bound(Model):
    """What a number must be: within the bounds that are stated, all of them."""

    at_least: Decimal | None = None
    above: Decimal | None = None
    at_most: Decimal | None = None
    below: Decimal | None = None
    equal: Decimal | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> "Bound":
        if not self.stated:
            raise PydanticCustomError(
                "bound", N_("one of at_least, above, at_most, below and equal is expected")
            )
        return self

    @cached_property
    def stated(self) -> list[tuple[str, Fraction]]:
        """The bounds that are stated, each with its sign in a formula."""
        bounds = ((sign, getattr(self, key)) for key, sign in SIGNS.items())
        return [(sign, Fraction(bound)) for sign, bound in bounds if bound is not None]

    def holds(self, value: Fraction | Decimal) -> bool:
        """Tell whether a number is within the bounds."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
            and (self.equal is None or value == self.equal)
        )

    def formula(self, cell: str, numbers: Iterator[str]) -> str:
        """Return the spreadsheet's condition on a cell; it takes one number for each bound."""
        return f"AND({','.join(f'{cell}{sign}{next(numbers)}' for sign, _bound in self.stated)})"

    def __str__(self) -> str:
        """The bounds as signs: '≥ 80, < 95'."""
        texts = [f"{sign} {short_text(bound)}" for sign, bound in self.stated]
        return ", ".join(texts).replace(">=", "≥").replace("<=", "≤")

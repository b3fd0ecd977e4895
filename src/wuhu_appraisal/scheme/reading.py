"""How names and marks in a sheet are understood."""

from typing import Annotated, Literal

from pydantic import Field

from wuhu_appraisal.scheme.basics import Model

Judged = Literal[
    "score-below-zero",
    "score-over-marks",
    "score-decimals",
    "score-scientific",
    "score-shown-otherwise",
    "score-struck-out",
    "score-invisible",
    "scores-mixed",
    "scores-all-small",
    "marks-differ",
    "not-applicable-misplaced",
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
    "adjustment-no-reason",
    "adjustment-no-evidence",
]
"""The findings whose weight a scheme may choose; a score of which only a warning is given counts."""


class Labels(Model):
    """Words by which headers and rows are known, whatever their place in the sheet."""

    unit: tuple[str, ...] = ("测评对象", "考评对象", "被测评单位", "单位名称", "单位", "名称")
    indicator: tuple[str, ...] = (
        "二级指标",
        "考评指标",
        "测评指标",
        "指标名称",
        "指标",
        "考评内容",
        "测评内容",
    )
    marks: tuple[str, ...] = ("分值", "满分", "标准分", "权重分值")
    deduction: tuple[str, ...] = ("扣分", "扣分值", "扣减分值", "失分")
    reason: tuple[str, ...] = ("扣分原因", "扣分理由", "失分原因", "扣分依据")
    rank: tuple[str, ...] = ("排名", "名次", "排序", "位次")
    date: tuple[str, ...] = ("填表日期", "填报日期", "测评日期", "日期")
    sender: tuple[str, ...] = ("填报单位", "测评单位", "评分单位", "报送单位")
    score: tuple[str, ...] = (
        "得分",
        "评分",
        "测评得分",
        "分数",
        "评价得分",
        "考评得分",
        "最终得分",
    )
    total: tuple[str, ...] = ("合计", "总分", "总计", "得分合计")
    average: tuple[str, ...] = ("平均", "平均分", "平均得分")
    summary: tuple[str, ...] = (
        "小计",
        "均值",
        "平均值",
        "最高分",
        "最低分",
        "最高",
        "最低",
        "得分率",
        "标准差",
    )
    ignored: tuple[str, ...] = (
        "一级指标",
        "类别",
        "序号",
        "备注",
        "说明",
    )
    foot: tuple[str, ...] = (
        "填表人",
        "制表人",
        "填报人",
        "经办人",
        "复核人",
        "负责人",
        "单位负责人",
        "联系人",
        "电话",
        "盖章",
        "审核人",
        "填报单位",
        "填表日期",
        "日期",
        "联系电话",
        "备注",
        "注",
        "说明",
    )


class Reading(Model):
    """How names and marks in a sheet are understood."""

    name_prefixes: list[str] = []
    name_suffixes: list[str] = []
    not_applicable: list[str] = ["/", "—", "无", "N/A", "不适用"]
    decimals: Annotated[int, Field(ge=0, le=10)] | None = Field(
        None, description="the most decimals that a score may have; left out, any number"
    )
    number_words: list[str] = Field(
        ["分"], description="words that may stand behind a number written as text"
    )
    severities: dict[Judged, Literal["error", "warning"]] = Field(
        {}, description="findings that this scheme takes for an error or for a warning"
    )
    labels: Labels = Labels()

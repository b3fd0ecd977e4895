"""How names and marks in a sheet are understood."""

from wuhu_appraisal.scheme.basics import Model


class Labels(Model):
    """Words by which headers and rows are known, whatever their place in the sheet."""

    unit: list[str] = ["测评对象", "考评对象", "被测评单位", "单位名称", "单位", "名称"]
    indicator: list[str] = [
        "二级指标",
        "考评指标",
        "测评指标",
        "指标名称",
        "指标",
        "考评内容",
        "测评内容",
    ]
    score: list[str] = ["得分", "评分", "测评得分", "分数", "评价得分"]
    total: list[str] = ["合计", "总分", "总计", "得分合计"]
    average: list[str] = ["平均", "平均分", "平均得分"]
    ignored: list[str] = [
        "一级指标",
        "类别",
        "序号",
        "备注",
        "排名",
        "名次",
        "分值",
        "扣分",
        "扣分原因",
        "说明",
    ]
    foot: list[str] = [
        "填表人",
        "审核人",
        "填报单位",
        "填表日期",
        "日期",
        "联系电话",
        "备注",
        "注",
        "说明",
    ]


class Reading(Model):
    """How names and marks in a sheet are understood."""

    name_prefixes: list[str] = []
    name_suffixes: list[str] = []
    not_applicable: list[str] = ["/", "—", "无", "N/A", "不适用"]
    labels: Labels = Labels()

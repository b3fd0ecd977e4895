"""``python -m wuhu_appraisal`` is ``appraise``."""

from wuhu_appraisal.cli import main

main(prog_name="appraise")

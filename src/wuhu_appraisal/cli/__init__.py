"""The command line: each command loads, calls, prints and exits."""

import click

from wuhu_appraisal import __version__
from wuhu_appraisal.cli.compute import compute, status, template, validate
from wuhu_appraisal.cli.doctor import doctor
from wuhu_appraisal.cli.explain import explain
from wuhu_appraisal.cli.options import Group, Option
from wuhu_appraisal.cli.report import report
from wuhu_appraisal.cli.scheme import scheme_group
from wuhu_appraisal.cli.verify import verify
from wuhu_appraisal.cli.year import decide, freeze
from wuhu_appraisal.language import N_


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    help=N_(
        "Score a city's appraisal: read the stages' workbooks and write a ranking that can be "
        "traced to the cells.\n\n"
        "\b\nExamples:\n"
        "  appraise compute stage-files/\n"
        "  appraise validate sheet.xlsx\n"
        "  appraise report --format xlsx\n"
        "  appraise explain 镜湖区\n\n"
        "Exit codes: 0 done, 1 findings of severity error, 2 wrong usage."
    ),
)
@click.version_option(
    __version__,
    prog_name="appraise",
    message="%(prog)s %(version)s",
    cls=Option,
    help=N_("Show the version and exit."),
)
def main() -> None:
    """Define the top of the command line."""


COMMANDS = (
    compute,
    report,
    explain,
    scheme_group,
    validate,
    status,
    template,
    freeze,
    verify,
    decide,
    doctor,
)
for command in COMMANDS:
    main.add_command(command)

"""The command line: each command loads, calls, prints and exits."""

import click

from wuhu_appraisal import __version__
from wuhu_appraisal.cli.compare import compare
from wuhu_appraisal.cli.compute import compute, status, template, validate
from wuhu_appraisal.cli.doctor import doctor
from wuhu_appraisal.cli.explain import explain
from wuhu_appraisal.cli.options import Group, Option
from wuhu_appraisal.cli.raters import raters
from wuhu_appraisal.cli.report import report
from wuhu_appraisal.cli.scheme import scheme_group
from wuhu_appraisal.cli.sensitivity import sensitivity
from wuhu_appraisal.cli.verify import verify
from wuhu_appraisal.cli.year import decide, freeze
from wuhu_appraisal.language import N_, NN_


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
    sensitivity,
    raters,
    compare,
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

# What click itself says: marked here for the catalogues, in which it looks its texts up.
CLICK_TEXTS = (
    N_("Usage:"),
    N_("Options"),
    N_("Commands"),
    N_("Try '{command} {option}' for help."),
    N_("Error: {message}"),
    N_("Aborted!"),
    N_("Missing command."),
    N_("Missing argument"),
    N_("Missing option"),
    N_("Missing parameter"),
    N_("No such command {name!r}."),
    N_("No such option {name!r}."),
    N_("Invalid value: {message}"),
    N_("Invalid value for {param_hint}: {message}"),
    N_("Option {name!r} does not take a value."),
    N_("{value!r} is not a valid {number_type}."),
    N_("{value} is not in the range {range}."),
    N_("{name} {filename!r} is a directory."),
    N_("{name} {filename!r} is a file."),
    N_("Choose from:\n\t{choices}"),
    N_("default: {default}"),
    N_("env var: {var}"),
    N_("file"),
    N_("directory"),
    N_("path"),
)
CLICK_PLURALS = (
    NN_("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    NN_("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    NN_("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    NN_(
        "Option {name!r} requires an argument.",
        "Option {name!r} requires {nargs} arguments.",
    ),
)

"""Whether this computer can do the work."""

import sys
from pathlib import Path

import click

from wuhu_appraisal.cli.frame import EXIT_FINDINGS, RESULTS, Command, Option, print_json, shared
from wuhu_appraisal.language import N_, _


@click.command(
    cls=Command,
    help=N_(
        "Look whether this computer can do the work: versions, terminal, fonts, the folder of "
        "results.\n\n"
        "Nothing is sent anywhere. The exit code is 1 for what would stop work.\n\n"
        "\b\nExamples:\n"
        "  appraise doctor\n"
        "  appraise doctor --json"
    ),
)
@shared("json")
@click.option(
    "--out",
    cls=Option,
    type=click.Path(path_type=Path),
    default=RESULTS,
    show_default=True,
    help=N_("The folder that results are to be written to."),
)
def doctor(as_json: bool, out: Path) -> None:
    """Look at the computer."""
    from wuhu_appraisal.doctor import State, checks

    found = list(checks(out, sys.stdout.encoding))
    if as_json:
        print_json(
            [
                {
                    "name": item.name,
                    "state": item.state.name.lower(),
                    "found": item.found,
                    "advice": item.advice,
                }
                for item in found
            ]
        )
    else:
        for item in found:
            click.echo(f"{_(item.state.value)}  {item.name}: {item.found}")
            if item.advice:
                click.echo(f"    → {item.advice}")
    if any(item.state is State.ERROR for item in found):
        sys.exit(EXIT_FINDINGS)

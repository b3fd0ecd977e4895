"""The commands about schemes: list, check, show, schema, copy, test."""

from pathlib import Path

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import scheme_argument, scheme_option
from wuhu_appraisal.cli.options import PATH, Group, argument, json_option
from wuhu_appraisal.language import N_, _, listed


@click.group("scheme", cls=Group, help=N_("Check, show, describe and test schemes."))
def scheme_group() -> None:
    """Group the commands about schemes."""


@scheme_group.command(
    "list",
    help=N_(
        "List the schemes that come with the program: their documents, groups and units.\n\n"
        "\b\nExamples:\n"
        "  appraise scheme list\n"
        "  appraise scheme list --json"
    ),
)
@json_option
def list_schemes(as_json: bool) -> None:
    """List the bundled schemes."""
    from wuhu_appraisal.scheme.load import bundled_schemes

    keys = {"id", "title", "document"}
    found: list[dict[str, object]] = []
    for path in bundled_schemes():
        scheme = inputs.scheme_or_exit(str(path)).scheme
        assert scheme is not None
        groups = [
            {"id": g.id, "title": g.title._asdict(), "units": len(g.units)} for g in scheme.groups
        ]
        found.append(scheme.model_dump(mode="json", include=keys) | {"groups": groups})
        if not as_json:
            sizes = [f"{group.title} {len(group.units)}" for group in scheme.groups]
            click.echo(f"{scheme.id}  {scheme.title} ({listed(sizes)})")
            click.echo(f"    {scheme.document.title}  {scheme.document.issued_by}".rstrip())
    if as_json:
        options.print_json(found)


@scheme_group.command(
    "check",
    help=N_(
        "Check a scheme's files: every finding with its line.\n\n"
        "\b\nExamples:\n"
        "  appraise scheme check\n"
        "  appraise scheme check my-scheme/"
    ),
)
@scheme_argument
@json_option
def check_scheme(path: str, as_json: bool) -> None:
    """Check a scheme."""
    from wuhu_appraisal.scheme.load import check_alternatives, load_scheme

    loaded = load_scheme(path)
    findings = [*loaded.findings, *check_alternatives(loaded)]
    options.print_findings(findings, as_json=as_json)
    options.exit_on_errors(findings)


@scheme_group.command(
    "show",
    help=N_(
        "Show a scheme: groups, units, indicators, stages, adjustments, assumptions, clauses.\n\n"
        "\b\nExamples:\n"
        "  appraise scheme show\n"
        "  appraise scheme show sichuan-2011 --json"
    ),
)
@scheme_argument
@json_option
def show_scheme(path: str, as_json: bool) -> None:
    """Show a scheme."""
    loaded = inputs.scheme_or_exit(path)
    assert loaded.scheme is not None
    from wuhu_appraisal.output import scheme_tree, text

    if as_json:
        data = loaded.scheme.model_dump(mode="json", by_alias=True, exclude_none=True)
        options.print_json(data)
    else:
        text.print_tree(options.console(), scheme_tree.scheme_tree(loaded.scheme))


@scheme_group.command("schema", help=N_("Print the JSON Schema of a scheme's YAML, for editors."))
def scheme_schema() -> None:
    """Print the JSON Schema."""
    from wuhu_appraisal.scheme import models

    options.print_json(models.json_schema())


@scheme_group.command(
    "copy",
    help=N_(
        "Copy a scheme with its cases into a new folder: to keep it with a year's files, or to begin "
        "one's own.\n\n"
        "\b\nExamples:\n"
        "  appraise scheme copy scheme/\n"
        "  appraise scheme copy my-scheme/ --scheme sichuan-2011"
    ),
)
@argument("folder", type=PATH)
@scheme_option
def copy_scheme(folder: Path, scheme: str) -> None:
    """Copy a scheme."""
    from wuhu_appraisal.files import locked
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.scheme.load import PARTS, parts

    loaded = inputs.scheme_or_exit(scheme)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        problem = _("it is not empty")
        options.fail([finding("write-failed", Source(str(folder)), problem=problem)])
    with locked(folder):
        for path in [*parts(loaded.path), *sorted(loaded.path.glob("cases/*.yaml"))]:
            inside = path.relative_to(loaded.path) if loaded.path.is_dir() else PARTS[0]
            click.echo(options.write(folder / inside, path.read_bytes()))


@scheme_group.command(
    "test",
    help=N_(
        "Run a scheme's own cases: named situations with the scores expected of them.\n\n"
        "\b\nExamples:\n"
        "  appraise scheme test\n"
        "  appraise scheme test my-scheme/"
    ),
)
@scheme_argument
def check_cases(path: str) -> None:
    """Run a scheme's cases."""
    from wuhu_appraisal.year.cases import run_cases

    loaded = inputs.scheme_or_exit(path)
    assert loaded.scheme is not None
    folder = loaded.path if loaded.path.is_dir() else loaded.path.parent
    count, findings = run_cases(loaded.scheme, folder / "cases")
    options.print_findings(findings)
    click.echo(_("{count} cases run").format(count=count))
    options.exit_on_errors(findings)

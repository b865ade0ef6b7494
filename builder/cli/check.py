"""`cotbuild check`: what is wrong, or weak, with a system file."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, flags, print_json


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A system: cotbuild's JSON or the article's.")],
    as_json: flags.Json = False,
) -> None:
    """Check a system file: broken rules with their JSON path, weak spots, the accuracy ceiling.

    Exit code 0 if the file is usable, with or without warnings; 1 if a rule of the format is
    broken; 2 if the file can't be read.
    """
    from builder.system.checks import check as check_system
    from builder.system.file import SystemFileError, load_system_file

    try:
        system = load_system_file(file).system
    except SystemFileError as error:
        if not as_json:
            error.exit_code = 1
            raise
        problems = [asdict(problem) for problem in error.problems]
        print_json({"usable": False, "problems": problems})
        raise typer.Exit(1) from error
    found = check_system(system)
    if "system" in json.loads(file.read_text(encoding="utf-8-sig")):
        # In an envelope the system stands one level down.
        inside = tuple(replace(f, path=f"system.{f.path}") for f in found.findings)
        found = replace(found, findings=inside)
    if as_json:
        result = {
            "usable": True,
            "classes": len(system.classes),
            "groups": len(system.groups),
            "options": len(system.phrases()),
            "ceiling": found.ceiling,
            "warnings": [asdict(finding) for finding in found.findings],
        }
        print_json(result)
        return
    from builder.terminal.console import result_console
    from builder.terminal.render import checks_table

    result_console().print(checks_table(str(file), system, found))

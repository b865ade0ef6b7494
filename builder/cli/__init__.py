"""The command line: flags and exit codes. What a command needs is imported when it runs."""

import json
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from builder import __version__
from builder.errors import CotbuildError, InputError

INTERRUPTED = 130
EPILOG = (
    "Exit codes: 0 done · 1 below --min-accuracy, a file with problems, an image that can't be "
    "read, or an encoder that does not agree with its reference · 2 unusable input · "
    "3 encoder · 4 language model · 5 session folder · 130 stopped with Ctrl-C"
)


class Commands(TyperGroup):
    """All commands; an error of any of them ends as one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CotbuildError as error:
            raise _ended_by(error) from error
        except OSError as error:
            raise _ended_by(unusable_file(error)) from error
        except KeyboardInterrupt as error:
            typer.echo("\nStopped.", err=True)
            raise typer.Exit(INTERRUPTED) from error


app = typer.Typer(
    name="cotbuild",
    cls=Commands,
    help="Build, measure and improve attribute systems: how a frozen image-text encoder tells "
    "classes apart whose names it does not know.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_json(data: object) -> None:
    """Prints the one JSON object of a command's `--json`."""
    # ASCII, so that it arrives whole whatever the terminal's encoding.
    typer.echo(json.dumps(data))


def unusable_file(error: OSError) -> InputError:
    """The message for a file error that nothing closer to the file has explained."""
    where = f"{error.filename} can't be used" if error.filename else "a file can't be used"
    return InputError(
        f"{where}: {error.strerror or error}",
        hint="check the path, its permissions and the free space",
    )


def _ended_by(error: CotbuildError) -> typer.Exit:
    """Shows the error, and returns the exit that ends the command."""
    from builder.terminal.console import progress_console
    from builder.terminal.render import error_panel

    progress_console().print(error_panel(error), crop=False)
    return typer.Exit(error.exit_code)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cotbuild {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Shared by all commands."""


def load_commands() -> None:
    """Imports the command modules, which registers them; help lists them in this order."""
    modules = (
        "new resume optimize sessions log diff revert export report score classify questions check "
        "encoder prompt cache demo"
    )
    for module in modules.split():
        import_module(f"builder.cli.{module}")


def main() -> None:
    """The `cotbuild` command."""
    load_commands()
    app()

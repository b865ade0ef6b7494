"""The folders that ship with the package, found alike in a checkout and in an installed wheel."""

from pathlib import Path
from typing import Literal

from builder.errors import CotbuildError

_PACKAGE = Path(__file__).resolve().parent


def resource_folder(name: Literal["prompts", "systems"]) -> Path:
    """The folder of shipped prompts or systems.

    Raises CotbuildError when the installation lacks it.
    """
    packaged = _PACKAGE / "_resources" / name
    if packaged.is_dir():
        return packaged
    checkout = _PACKAGE.parent
    # Beside an installed package lie other packages, whose folders may have any name.
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    raise CotbuildError(
        f"the folder {name!r} is missing from this installation ({_PACKAGE})",
        hint="Install cotbuild again.",
    )

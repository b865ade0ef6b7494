"""cotbuild: attribute systems with which a frozen image-text encoder tells classes apart.

    from builder import load_system, open_encoder, Classifier

The public names are imported when they are used, so that `import builder` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.api import Classifier, Prediction, load_system, open_encoder

__version__ = "0.1.0"
__all__ = ["Classifier", "Prediction", "__version__", "load_system", "open_encoder"]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module("builder.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What the keys do and what the figures mean, for a person who asks with `?`."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

_KEYS = (
    ("p", "go through the proposals: accept, reject, edit or skip each; h accepts all that help"),
    (
        "e",
        "change a rule, an option, a prompt or a group; you see its effect before it applies",
    ),
    ("n", "tell the language model something, in your words, with the next request"),
    ("l", "ask the language model for more proposals now"),
    ("u", "take back the last accepted change, also after a restart"),
    ("c g", "all classes, all groups"),
    ("s", "show the round again, as it is now"),
    ("m", "measure on held-out images; the next round begins"),
    ("x", "write the best version to a file"),
    ("q", "leave; every answer is saved already, `cotbuild resume` goes on from here"),
    ("Esc", "goes back one question; Ctrl-C twice leaves"),
)
_FIGURES = (
    ("review images", "you, the model and the suggestions look at these; figures on these flatter"),
    ("held-out images", "only their accuracy is seen; it decides which version is the best"),
    ("final images", "measured once, at the export: the estimate nothing was fitted to"),
    ("data, model", "whose proposal it is"),
    ("95 % interval", "Wilson's; on other images of the same kind the accuracy is likely in there"),
    ("pp", "percentage points; 5 fixed, 2 broken: images that became right, and wrong"),
    ("p", "exact McNemar: how often chance alone would change as much (0.05 is rare)"),
    ("names", "the baselines: images matched to class names, without any attributes"),
    ("alone", "a group's accuracy when it is the only one; left out: the change without it"),
    ("as ruled", "images that look as the rule of their class says"),
    ("bits", "what a group tells about the class; of its own: not told by other groups"),
)


def explanation() -> RenderableType:
    return Group(_listed("Keys", _KEYS), _listed("Figures", _FIGURES))


def _listed(title: str, entries: tuple[tuple[str, str], ...]) -> RenderableType:
    lines: list[RenderableType] = [Text(), Text(title, style="bold")]
    for name, meaning in entries:
        lines.append(
            Padding(Text.assemble((name, "bold"), f": {meaning}"), (0, 0, 0, 2), expand=False)
        )
    return Group(*lines)

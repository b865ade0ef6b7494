"""The whole page: the sections, and what makes it look and behave, in one text."""

import base64
import hashlib
import re
import unicodedata
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension

from builder.diagnosis.information import redundancy
from builder.edits.describe import describe_proposal
from builder.report import charts, chosen_failures, confusions, groups, opening, tables, versions
from builder.report.contents import Contents
from builder.report.provenance import provenance
from builder.scoring import wording
from builder.session.confirmation import confirmed
from builder.system.checks import check

# What templates may call and show, by name.
_MODULES = (charts, chosen_failures, confusions, groups, opening, tables, versions, wording)
_FUNCTIONS = (check, confirmed, describe_proposal, provenance, redundancy)
# Control characters, direction overrides, half surrogate pairs (which no file can hold) and the
# like; joiners belong to letters and emoji.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_KEPT = "\n\t\u200c\u200d"
_BREAK = r"\s*\n\s*"
_DROPPED = (
    rf"(?<=>){_BREAK}|(?<=[%#]\}}){_BREAK}|{_BREAK}(?=<|\{{[%#])|(?<=\}}\}}){_BREAK}(?=\{{\{{)"
)


def page(contents: Contents) -> str:
    """The report as HTML. It loads nothing, and nothing but its own script can run in it."""
    script = _data("script.js")
    return drawn(
        "page",
        contents=contents,
        system=contents.system,
        measured=contents.measured,
        sections=_sections(contents),
        style=_data("style.css"),
        script=script,
        policy=_policy(script),
    )


def drawn(template: str, **values: object) -> str:
    """A template of this folder with its values; unsafe characters become U+FFFD."""
    text = templates().get_template(f"{template}.html.j2").render(values)
    unsafe = {sign for sign in set(text) if unicodedata.category(sign) in _UNSAFE}
    return text.translate({ord(sign): "\ufffd" for sign in unsafe.difference(_KEPT)})


@cache
def templates() -> Environment:
    """All of them; whatever isn't markup already is text, and is escaped."""
    made = Environment(
        loader=PackageLoader("builder.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[_Compact],
    )
    made.filters["px"] = "{:.1f}".format
    for module in _MODULES:
        made.globals.update({k: v for k, v in vars(module).items() if not k.startswith("_")})
    made.globals.update({function.__name__: function for function in _FUNCTIONS})
    return made


class _Compact(Extension):
    """Line breaks beside a tag, and between two values, are no part of the page."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        return re.sub(_BREAK, " ", re.sub(_DROPPED, "", source)).strip()


def _sections(contents: Contents) -> dict[str, str]:
    """Titles, which in small letters are the names of templates, by the id on the page."""
    of_images = {"confusions-section": "Confusions", "failures": "Failures", "groups": "Groups"}
    measured = contents.measured
    return {
        "versions": "Versions",
        **(of_images if measured and measured.findings.review.n else {}),
        "redundancy": "Redundancy",
        "system": "System",
        "provenance": "Provenance",
    }


def _policy(script: str) -> str:
    """Nothing is loaded; the one script is known by its hash; styles are this page's own."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _data(name: str) -> str:
    return files("builder.report").joinpath(name).read_text(encoding="utf-8")

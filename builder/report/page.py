"""The whole page: the sections, and what makes it look and behave, in one text."""

import base64
import hashlib
from importlib.resources import files

from builder.report.confusions import confusions_section
from builder.report.contents import Contents
from builder.report.gallery import gallery_section
from builder.report.groups import groups_section, redundancy_section
from builder.report.markup import Markup, element, void
from builder.report.opening import opening
from builder.report.provenance import provenance_section
from builder.report.rules import system_section
from builder.report.versions import versions_section

# id, title
Section = tuple[str, str, Markup]


def page(contents: Contents) -> str:
    """The report as HTML. It loads nothing, and nothing but its own script can run in it."""
    style, script = _data("style.css"), _data("script.js")
    sections = _sections(contents)
    links = (element("a", title, href=f"#{name}") for name, title, _ in sections)
    title = f"{contents.system.domain}: a cotbuild report"
    head = element(
        "head",
        void("meta", charset="utf-8"),
        void("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="color-scheme", content="light dark"),
        void("meta", name="generator", content=f"cotbuild {contents.origin.cotbuild}"),
        element("title", title),
        element("style", Markup(style)),
    )
    body = element(
        "body",
        opening(contents),
        element("nav", *links, aria_label="Sections"),
        element("main", *(_section(*section) for section in sections)),
        element("script", Markup(script)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _sections(contents: Contents) -> list[Section]:
    measured = contents.measured
    found: list[Section] = [("versions", "Versions", versions_section(contents))]
    if measured and measured.findings.review.n:
        found += [
            ("confusions-section", "Confusions", confusions_section(measured)),
            ("failures", "Failures", gallery_section(measured)),
            ("groups", "Groups", groups_section(measured.findings.groups)),
        ]
    found += [
        ("redundancy", "Redundancy", redundancy_section(contents.system)),
        ("system", "System", system_section(contents.system)),
        ("provenance", "Provenance", provenance_section(contents)),
    ]
    return found


def _section(name: str, title: str, content: Markup) -> Markup:
    return element("section", element("h2", title), content, id=name, class_="part")


def _policy(script: str) -> str:
    """Nothing is loaded; the one script is known by its hash; styles are this page's own."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _data(name: str) -> str:
    return files("builder.report").joinpath(name).read_text(encoding="utf-8")

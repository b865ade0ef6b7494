"""A gallery of failures: the images that are furthest from right, and what misled the system."""

from builder.diagnosis.images import Case, Seen
from builder.report.chosen_failures import ConfusedCell
from builder.report.confusions import shown_picture
from builder.report.contents import FromImages
from builder.report.markup import Markup, element, joined
from builder.scoring.wording import counted

SHOWN = 24


def gallery_section(measured: FromImages) -> Markup:
    """The images as the encoder sees them; each leads to its evidence."""
    worst = measured.failures.worst[:SHOWN]
    if not worst:
        return element("p", "No review image went wrong.")
    words = (
        f"The {counted(len(worst), 'review image')} that the system got most wrong, as the encoder "
        "sees them. Choose one to see what each group made of it."
    )
    tiles = [_tile(cell, case, measured) for cell, case in worst]
    return joined((element("p", words), element("ul", *tiles, class_="gallery")))


def _tile(cell: ConfusedCell, case: Case, measured: FromImages) -> Markup:
    picture = measured.pictures.get(measured.findings.digests[case.index])
    said = element("span", f"{case.label} taken for {case.predicted}", class_="said")
    seen = most_misleading(case)
    why = [element("span", f"{seen.group}: {seen.seen}", class_="why")] if seen else []
    figure = element("figure", shown_picture(picture), said, *why)
    return element("li", element("a", figure, href=f"#{cell.id}"))


def most_misleading(case: Case) -> Seen | None:
    """The group that speaks most for the predicted class against the true one."""
    misled = [seen for seen in case.groups if seen.misled]
    return max(misled, key=lambda seen: seen.p_predicted - (seen.p_ruled or 0.0), default=None)

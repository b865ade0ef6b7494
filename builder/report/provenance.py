"""Where the figures come from: images, encoder, language model, looks, dates and cost."""

from pathlib import PurePath

from builder.report.contents import Contents
from builder.scoring.wording import counted, scoring_words
from builder.session.export import model_name
from builder.session.records import Started
from builder.session.state import State
from builder.system.file import SplitName


def provenance(contents: Contents) -> dict[str, str]:
    """Images, encoder, model, looks, dates and cost; "" for what there is nothing to say of."""
    state, origin = contents.state, contents.origin
    started = state.started
    looks = counted(state.held_out_looks, "time")
    return {
        "Images": _images(started),
        "Part of each image": _crop(started),
        "Splits": _splits(contents),
        "Looks at held-out": f"{looks}, an accuracy each time",
        "Looks at final": counted(state.final_looks, "time"),
        "Encoder": _encoder(contents),
        "Scoring": _scoring(contents),
        "Language model": _models(state),
        "It took": origin.spending,
        "Changes tried": f"{state.tried:,} on the same review images",
        "First system": _drafted_by(contents.story.drafted_by),
        "Session began": f"{_time(contents.story.began)}, by cotbuild {started.cotbuild}",
        "Last change": _time(origin.last),
        "Report made": f"{_time(origin.made)}, by cotbuild {origin.cotbuild}",
    }


def _models(state: State) -> str:
    """The language models of the session, and those that optimisers asked."""
    asked = (state.started.llm, *(run.llm for run in state.optimised))
    names = dict.fromkeys(name for llm in asked if (name := model_name(llm)))
    return ", ".join(names) or "none"


def _images(started: Started) -> str:
    return _without_folders(started.images) if started.images else "none"


def _without_folders(name: str) -> str:
    # Where something lies is nobody's business but its owner's.
    path = PurePath(name)
    return path.name if path.is_absolute() else name


def _drafted_by(source: str) -> str:
    if source == "person":
        return "by hand"
    return _without_folders(model_name(source) or "")


def _crop(started: Started) -> str:
    if started.crop is None:
        return "all of it" if started.images else ""
    left, top, right, bottom = (f"{100 * edge:.0f} %" for edge in started.crop)
    return f"from {left} to {right} across, from {top} to {bottom} down"


def _splits(contents: Contents) -> str:
    splits = list(contents.state.splits.values())
    if not splits:
        return ""
    names: dict[SplitName, str] = {"review": "review", "held_out": "held-out", "final": "final"}
    parts = [f"{splits.count(split)} {words}" for split, words in names.items()]
    return f"{', '.join(parts)} (seed {contents.state.started.seed})"


def _encoder(contents: Contents) -> str:
    encoder = contents.origin.encoder
    if encoder is None:
        return _without_folders(contents.state.started.encoder or "none")
    return f"{_without_folders(encoder.name)}, revision {encoder.revision}"


def _scoring(contents: Contents) -> str:
    scoring, encoder = contents.state.scoring, contents.origin.encoder
    if scoring.scale is not None:
        return scoring_words(scoring)
    own = f" ({encoder.logit_scale:.1f})" if encoder else ""
    return f"{scoring_words(scoring)}, at the encoder's own scale{own}"


def _time(text: str) -> str:
    # To the second: journals are written finer.
    return f"{text[:19].replace('T', ' ')} UTC" if text else "not known"

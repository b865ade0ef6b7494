"""What edits renamed: one map, for locks, images' labels and the difference of versions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from builder.edits import model
from builder.edits.model import Edit

_Names = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Renames:
    """Names before some edits -> names after them, where they differ; None for what was dropped.

    `options`: by the name of the group before, then by the option's. What comes to bear the name
    of a dropped group or option is another thing, of which nothing is told; a dropped class that is
    added again is the same class, as images know it by its name.
    """

    groups: _Names = field(default_factory=dict)
    options: Mapping[str, _Names] = field(default_factory=dict)
    classes: _Names = field(default_factory=dict)

    def after(self, edits: Iterable[Edit]) -> "Renames":
        """The renames with these edits' renames and drops on top."""
        groups, classes = dict(self.groups), dict(self.classes)
        options = {group: dict(names) for group, names in self.options.items()}

        def rename_option(group: str, option: str, to: str | None) -> None:
            before = _before(groups, group)
            if before is not None:
                _rename(options.setdefault(before, {}), option, to)

        for edit in edits:
            match edit:
                case model.RenameGroup():
                    _rename(groups, edit.group, edit.to)
                case model.DropGroup():
                    _rename(groups, edit.group, None)
                case model.RenameClass():
                    _rename(classes, edit.class_name, edit.to)
                case model.DropClass():
                    _rename(classes, edit.class_name, None)
                case model.AddClass() if classes.get(edit.class_name, "") is None:
                    del classes[edit.class_name]
                case model.RenameOption():
                    rename_option(edit.group, edit.option, edit.to)
                case model.DropOption():
                    rename_option(edit.group, edit.option, None)
                case model.SplitOption() if edit.option not in edit.into:
                    rename_option(edit.group, edit.option, None)
                case model.MergeOptions():
                    for option in edit.options:
                        if option != edit.into:
                            rename_option(edit.group, option, None)
                case _:
                    pass
        return Renames(groups, options, classes)

    def to(self, other: "Renames") -> "Renames":
        """The renames that lead from the names after these edits to those after `other` ones."""
        options = {
            now: _between(self.options.get(group, {}), other.options.get(group, {}))
            for group in {**self.options, **other.options}
            if (now := self.groups.get(group, group)) is not None
        }
        groups = _between(self.groups, other.groups)
        return Renames(groups, options, _between(self.classes, other.classes))

    def edits(self) -> Iterator[Edit]:
        """The edits that rename the things; each may have to wait until its new name is free."""
        for was, now in self.groups.items():
            if now is not None:
                yield model.RenameGroup(group=was, to=now)
        for was, now in self.classes.items():
            if now is not None:
                yield model.RenameClass(class_name=was, to=now)
        for group, names in self.options.items():
            named = self.groups.get(group, group)
            for was, now in names.items():
                if named is not None and now is not None:
                    yield model.RenameOption(group=named, option=was, to=now)

    def group(self, name: str) -> str | None:
        """The group's name afterwards; None where it is dropped, or another took its name."""
        return _after(self.groups, name)

    def class_name(self, name: str) -> str | None:
        """The class's name afterwards; None where it is dropped, or another took its name."""
        return _after(self.classes, name)

    def labels(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The images' labels by the present names of their classes.

        Of two claims to a name the renamed class's holds. No class bears an empty name: such an
        image is of a class that isn't there.
        """
        taken = set(self.classes.values())
        return tuple(
            self.classes.get(label) or ("" if label in taken else label) for label in labels
        )


def _after(names: _Names, before: str) -> str | None:
    return names.get(before, None if before in names.values() else before)


def _before(names: _Names, now: str) -> str | None:
    """The former name of what now has this name; None for what is new since."""
    for before, name in names.items():
        if name == now:
            return before
    return None if now in names else now


def _rename(names: dict[str, str | None], now: str, to: str | None) -> None:
    before = _before(names, now)
    if before is None:
        return
    names[before] = to
    if to == before:
        del names[before]


def _between(old: _Names, new: _Names) -> _Names:
    pairs = ((old.get(before, before), new.get(before, before)) for before in {**old, **new})
    return {was: now for was, now in pairs if was is not None and was != now}

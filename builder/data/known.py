"""Hub data sets whose columns and card layout are known."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownDataSet:
    """Where its images and labels are, and the named crop that shows only the picture."""

    image_column: str
    label_column: str
    crop: str | None


# By name in lower case: the hub redirects other spellings to the right one.
_KNOWN = {
    # Columns: id, image_url, caption, name, hp, set_name.
    "thefusion21/pokemoncards": KnownDataSet("image_url", "name", "pokemon-card"),
}


def known_data_set(repository: str) -> KnownDataSet | None:
    """What is known of the data set `org/name`."""
    return _KNOWN.get(repository.lower())

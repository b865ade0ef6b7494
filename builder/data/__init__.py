"""What the user brings: class names, labelled images from wherever, and how they are split."""

from builder.data.classes import ClassEntry, read_classes
from builder.data.folders import class_folder_name, files_named, read_images
from builder.data.images import ImageSet, LabelledImage, Skipped, file_digest
from builder.data.matching import Matched, Mismatch
from builder.data.pictures import (
    Crop,
    ImageUnreadable,
    bombs_as_errors,
    decode_image,
    open_image,
    prepare,
)
from builder.data.sources import ImageSource, known_crop, read_source
from builder.data.splits import Split, assign_splits

__all__ = [
    "ClassEntry",
    "Crop",
    "ImageSet",
    "ImageSource",
    "ImageUnreadable",
    "LabelledImage",
    "Matched",
    "Mismatch",
    "Skipped",
    "Split",
    "assign_splits",
    "bombs_as_errors",
    "class_folder_name",
    "decode_image",
    "file_digest",
    "files_named",
    "known_crop",
    "open_image",
    "prepare",
    "read_classes",
    "read_images",
    "read_source",
]

"""What the user brings: class names, labelled images, and how images are split."""

from builder.data.classes import ClassEntry, read_classes
from builder.data.images import (
    ImageSet,
    LabelledImage,
    Mismatch,
    Skipped,
    class_folder_name,
    file_digest,
    read_images,
)
from builder.data.pictures import Crop, ImageUnreadable, open_image, prepare
from builder.data.splits import Split, assign_splits

__all__ = [
    "ClassEntry",
    "Crop",
    "ImageSet",
    "ImageUnreadable",
    "LabelledImage",
    "Mismatch",
    "Skipped",
    "Split",
    "assign_splits",
    "class_folder_name",
    "file_digest",
    "open_image",
    "prepare",
    "read_classes",
    "read_images",
]

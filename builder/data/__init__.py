"""What the user brings: class names, labelled images from wherever, and how they are split."""

"""What goes wrong and why: confusions, groups, evidence, information, one question at a time."""

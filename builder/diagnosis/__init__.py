"""What goes wrong and why: confusions, groups, evidence, information, twenty questions."""

"""Changes to a system: kinds of edits, applied, described, locked and told from two systems."""

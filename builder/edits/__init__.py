"""The kinds of change to a system: applied, found between two systems, described, locked."""

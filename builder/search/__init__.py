"""Automatic reviewers: greedy search and GEPA, on the same footing as a person."""

"""Whole sessions against a real language model. Not part of the suite: it needs an endpoint."""

"""jina-clip, loaded natively: its published code fails on the transformers that we use."""

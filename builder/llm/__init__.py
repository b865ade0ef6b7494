"""The language model's room: drafts and revisions through one seam, live or replayed.

`drafter` opens whoever the settings name. Nothing in this room prints; what happens is told as
`LLMEvent`s.
"""

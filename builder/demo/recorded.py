"""Where the demo's recorded model replies lie, in the format of a session's llm.jsonl."""

from pathlib import Path

RECORDING = Path(__file__).with_name("recorded.jsonl")

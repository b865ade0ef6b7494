"""The loop of rounds: what a reviewer sees and can do, and when to stop."""

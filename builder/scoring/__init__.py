"""From vectors to class totals: the evaluator, effects of edits, fitted scoring, statistics."""

"""Who proposes changes: the data, and what a language model is asked and answers."""

"""The report on a session: one HTML file that needs nothing else, to be read, sent or printed."""

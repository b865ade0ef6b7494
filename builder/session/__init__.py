"""A session's history as records: state, journal, versions, confirmation, export."""

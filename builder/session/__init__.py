"""What happened, as records: state, journal, versions, confirmation, export."""

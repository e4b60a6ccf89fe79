"""One file per chapter: each takes the facts of a run and returns sections of the report."""

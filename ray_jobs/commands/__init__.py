"""One module a verb; each imports what is heavy only when it runs."""

"""Posts with what was found in them, for people: on a terminal, or as a page."""

"""Which words of a post name an adverse drug effect."""

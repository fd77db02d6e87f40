"""Linking: mentions to concepts of a terminology, or to NIL."""

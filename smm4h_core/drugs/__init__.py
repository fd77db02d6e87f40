"""Drugs: names to active ingredients to molecules, and where posts name them."""

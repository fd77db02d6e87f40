"""Members of an ensemble: trained one by one wherever they run, stored, and joined."""

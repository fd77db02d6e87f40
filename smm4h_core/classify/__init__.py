"""Does the post report an adverse drug effect: networks, and ensembles of them."""

"""Pretraining of the small molecule encoder: masked tokens of SMILES, and what they add up to."""

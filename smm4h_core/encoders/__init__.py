"""Text and molecule encoders by name: hub id, local folder, or a Python package with weights."""

"""What an encoder reads: normalised posts and batches of them, with the way back to the post."""

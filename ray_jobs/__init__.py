"""What ``ray job submit`` and the command line run: thin shells over smm4h_core."""

"""``python -m ray_jobs``: the same verbs as the console script ``smm4h``."""

from ray_jobs.cli import main

if __name__ == "__main__":
    main()

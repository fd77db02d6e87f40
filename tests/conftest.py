"""Shared by all tests: nothing is fetched, hypothesis is never late on a busy machine."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# Ray reads them once, at import: tests of serving import Ray long before one starts a cluster.
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # all its ports at loopback

from hypothesis import settings

settings.register_profile("house", deadline=None)
settings.load_profile("house")

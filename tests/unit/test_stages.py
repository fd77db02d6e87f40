"""Serving takes the steps of `Pipeline.process` apart, some of them where torch is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

READ_WITHOUT_TORCH = """
import sys
from pathlib import Path
from smm4h_core.bundle import open_bundle
from smm4h_core.stages import find_drugs, read_posts
bundle = open_bundle(Path(sys.argv[1]))
posts = read_posts(["seroquel made me sleep"], bundle.languages)
print(find_drugs(bundle.load_finder(), posts)[0][0].name, "torch" in sys.modules)
"""


def test_stages_before_the_networks_need_no_torch(tiny_bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ_WITHOUT_TORCH, str(tiny_bundle)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["quetiapine", "False"], done.stderr

"""The README's example runs, and does what it says."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_readme_example_runs():
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "HeaderArrived 0"
    means, quats, opacities = re.findall(r"\((\d+),", lines[-1])
    assert means == quats == opacities
    assert 0 < int(means) < 23_275

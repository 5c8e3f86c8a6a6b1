"""What `help(pavfmt)` shows to somebody who has never seen the project runs as it stands."""

import inspect
import re
import subprocess
import sys
from textwrap import dedent

from tiny_lam import lam_zip

import pavfmt


def blocks(text):
    """The indented lines of a docstring, block by block."""
    return [dedent(block) for block in re.findall(r"\n\n((?:    .*\n|\n(?=    ))+)", text)]


def test_the_examples_of_the_package_run(tmp_path):
    lam_zip(tmp_path / "lam-export.zip")
    write = "import pavfmt, pathlib; from pavfmt.importers import read_avatar\n"
    write += "pathlib.Path('head.pav').write_bytes(pavfmt.encode(read_avatar('lam-export.zip')))\n"
    found = blocks(pavfmt.__doc__)
    assert len(found) == 4
    done = subprocess.run(
        [sys.executable, "-c", write + "\n".join(found)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "4 True" and lines[1] == "(4, 3) (4, 4)" and lines[2].startswith("0 ")


def test_all_that_is_exported_says_what_it_is():
    for name in set(pavfmt.__all__) - {"__version__"}:
        text = inspect.getdoc(getattr(pavfmt, name))
        assert text and not text.startswith(f"{name}("), name

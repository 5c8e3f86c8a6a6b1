"""Where another decoder and the reference differ: on vectors that a structure-aware mutator changed, and on files.

python -m tests.fuzz.agreement --decoder "my-decoder {}"                2,000 changed vectors
python -m tests.fuzz.agreement --decoder "my-decoder {}" --count 0 FILE.pav …     these files as they are

The decoder answers as in spec/vectors/README.md. Exit status: 0 where both say the same of every file, else 1.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from spec.tools.conformance import VECTORS, Case, asking, judge, text_of
from spec.tools.decoded import decoded
from tests.fuzz.seeds import pav_seeds
from tests.fuzz.units import mutated

RIGS = {"valid/shared-rig": VECTORS / "valid" / "rig-only.pav"}
SECONDS = 60.0
"""For a call; real files take their time."""


def changed_cases(count, seed, folder):
    """`count` changed vectors, each in turn; they are written to `folder`."""
    seeds, chooser = pav_seeds(), random.Random(seed)
    for number in range(count):
        name = list(seeds)[number % len(seeds)]
        path = folder / f"{number}.pav"
        path.write_bytes(mutated(seeds[name], chooser))
        yield case_of(f"mutated/{number} of {name}", path, RIGS.get(name))


def case_of(name, path, rig=None):
    """What the reference says of a file."""
    return Case(name, path, rig, decoded(path.read_bytes(), rig and rig.read_bytes()))


def main(arguments):
    """Judge, print, and say by the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz.agreement", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument(
        "--decoder", metavar="COMMAND", required=True, help='a command; "{}" stands for the paths'
    )
    parser.add_argument("--count", type=int, default=2000, help="of changed vectors (default 2000)")
    parser.add_argument("--seed", type=int, default=1, help="of the changes (default 1)")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="where the files go that they differ on")
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="files to compare as they are")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        cases = list(changed_cases(options.count, options.seed, Path(scratch)))
        cases += [case_of(f"files/{path.name}", path) for path in options.files]
        results = judge(cases, asking(options.decoder, SECONDS))
        paths = {case.name: case.path for case in cases}
        failed = [result for result in results if result.differences]
        for result in failed if options.keep else ():
            options.keep.mkdir(parents=True, exist_ok=True)
            kept = options.keep / f"{result.name.split()[0].replace('/', '-')}.pav"
            kept.write_bytes(paths[result.name].read_bytes())
    print(text_of(results))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

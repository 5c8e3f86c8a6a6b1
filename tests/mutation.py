"""Faults by the hundred in what reads the container, and whether a test notices: `python -m tests.mutation`.

mutmut changes what stands in functions, as `[tool.mutmut]` of pyproject.toml says; its own operators are applied here
to what stands outside of them: limits, layouts, tables of unit types. All happens in a copy of the project,
`out/mutation`; with `--again` what was killed there stays so, and only what lived or was not reached is tried; with
`--table` nothing is tried, and what stands in functions is told as far as an interrupted run got. The table goes to
tests/mutation.md; in the copy, `mutmut results` lists who lives and `mutmut show NAME` shows one.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import hypothesis  # noqa: F401  (for `tested`, like the next ones)
import jsonschema  # noqa: F401
import numpy  # noqa: F401
import pytest
import zstandard  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "out" / "mutation"
PAGE = ROOT / "tests" / "mutation.md"
BEGIN, END = "<!-- table: written by `python -m tests.mutation` -->\n", "<!-- end of table -->\n"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
MEMORY = 3 << 30
"""Address space of a test run: what allocates for ever is killed by that."""
OUTCOMES = ("killed", "refused by types", "timeout", "survived", "not tried")
NOTICED = OUTCOMES[:3]
OUTCOME_OF = {
    **{"killed": "killed", "segfault": "killed", "timeout": "timeout"},
    **{
        "caught by type check": "refused by types",
        "survived": "survived",
        "no tests": "survived",
        "suspicious": "survived",
    },
}


def copy_project(target):
    target.mkdir(parents=True, exist_ok=True)
    for name in [*SETTINGS["source_paths"], "tests", *SETTINGS["also_copy"]]:
        if (ROOT / name).is_dir():
            shutil.rmtree(target / name, ignore_errors=True)
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, target)
    shutil.copy2(ROOT / "pyproject.toml", target)


def run_mutmut(names):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ended = subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", "1", *names],
        cwd=WORK,
        env={**os.environ, "PATH": path, "HYPOTHESIS_PROFILE": "quick"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    if ended.returncode:
        raise SystemExit(f"mutmut ended with {ended.returncode}")


def known(paths):
    """(path, name, outcome or None) of mutmut's mutants, as far as they were tried."""
    from mutmut.stats import status_by_exit_code

    for path in paths:
        found = WORK / "mutants" / f"{path}.meta"
        codes = json.loads(found.read_text())["exit_code_by_key"] if found.exists() else {}
        for name, exit_code in codes.items():
            yield path, name, OUTCOME_OF.get(status_by_exit_code[exit_code])


def in_functions(paths, again):
    """(path, name, outcome) of mutmut's mutants."""
    if not again:
        shutil.rmtree(WORK / "mutants", ignore_errors=True)
    run_mutmut([name for _, name, outcome in known(paths) if outcome in (None, "survived")])
    return known(paths)


def sources_outside_functions(path):
    """(what was changed, the whole module with it changed) for every mutation mutmut's run leaves out."""
    import libcst
    from mutmut.mutation.file_mutation import create_mutations, deep_replace

    module, mutations, *_ = create_mutations(path, (ROOT / path).read_text())
    for mutation in mutations:
        if not isinstance(mutation.contained_by_top_level_function, libcst.FunctionDef):
            old, new = (
                " ".join(libcst.Module([]).code_for_node(node).split())
                for node in (mutation.original_node, mutation.mutated_node)
            )
            changed = deep_replace(module, mutation.original_node, mutation.mutated_node)
            yield f"{path}: {old[:60]} → {new[:60]}", changed.code


def tested(folder):
    """pytest's exit code for a copy of the project, run in a fork: what it imports of others is there already."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    os.chdir(folder)
    os.environ["HYPOTHESIS_PROFILE"] = "quick"
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    arguments = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is imported, on purpose
    arguments += SETTINGS["pytest_add_cli_args"] + SETTINGS["pytest_add_cli_args_test_selection"]
    code = 1
    try:
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--rootdir=.", *arguments])
    finally:
        os._exit(code)


def outside_functions(paths):
    """(path, name, outcome) of the mutants made here."""
    folder = WORK / "outside"
    copy_project(folder)
    if tested(folder):
        raise SystemExit("the tests fail before anything is changed")
    for path in paths:
        for name, source in sources_outside_functions(path):
            (folder / path).write_text(source)
            yield path, name, "killed" if tested(folder) else "survived"
        shutil.copy2(ROOT / path, folder / path)


def table(mutants):
    """The share of mutants that are noticed, module by module."""
    counts = {}
    for path, _, outcome in mutants:
        counts.setdefault(path, Counter())[outcome or "not tried"] += 1
    rows = [
        *((f"`{path}`", count) for path, count in counts.items()),
        ("all", sum(counts.values(), Counter())),
    ]
    lines = [
        f"| module | mutants | {' | '.join(OUTCOMES)} | noticed of those tried |",
        "|---|" + "---:|" * (len(OUTCOMES) + 2),
    ]
    for label, count in rows:
        total = count.total()
        cells = [f"{count[outcome]:,}" for outcome in OUTCOMES]
        tried = max(total - count["not tried"], 1)
        share = 100 * sum(count[outcome] for outcome in NOTICED) / tried
        lines.append(f"| {label} | {total:,} | {' | '.join(cells)} | {share:.1f} % |")
    return "\n".join(lines) + "\n"


def main(again, only_table):
    paths = SETTINGS["only_mutate"]
    if only_table:
        mutants = [*known(paths)]
    else:
        copy_project(WORK)
        mutants = [*in_functions(paths, again), *outside_functions(paths)]
    for _, name, outcome in mutants:
        if outcome == "survived":
            print(f"lives: {name}")
    print(table(mutants))
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{table(mutants)}{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main("--again" in sys.argv[1:], "--table" in sys.argv[1:])

"""Fuzzing by command.

python -m tests.fuzz --minutes 30                     every target in turn, guided by coverage (atheris)
python -m tests.fuzz --minutes 5 --target decode --folder out/fuzz     corpus and findings are kept there
python -m tests.fuzz --minutes 1 --plain              without atheris
python -m tests.fuzz --minutes 30 --account tests/fuzz/account.json    adds what was run to an account

Prints executions, the share that got past the framing, the slowest, the lines reached, and what was found.
Exit status 1 if anything was found.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from pavfmt.fileio import write_bytes
from tests.fuzz.campaign import plain
from tests.fuzz.targets import TARGETS

SUMMED = ("executions", "past_framing", "findings")


def guided(name, seconds, folder):
    """The report of one target; what libFuzzer itself stopped on is a finding too."""
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(seconds), str(folder)]
    done = subprocess.run(command, capture_output=True)
    report = json.loads((folder / f"{name}.json").read_text())
    if done.returncode:
        report["findings"].append(
            f"exit status {done.returncode}: {done.stderr.decode(errors='replace')[-400:]}"
        )
    lines = subprocess.run([sys.executable, "-m", "tests.fuzz.lines", name, str(folder)], capture_output=True)
    report["lines"] = json.loads(lines.stdout) if lines.returncode == 0 else {}
    return report


def told(report):
    """One paragraph for people."""
    past = report["past_framing"] / max(report["executions"], 1)
    text = f"{report['target']:<16} {report['executions']:>9} executions, {past:.0%} past the framing"
    text += f", slowest {report['slowest_seconds']} s"
    reached = report.get("lines", {})
    if reached:
        hit, total = (sum(column) for column in zip(*reached.values(), strict=True))
        text += f", {hit / total:.0%} of {total} lines of {len(reached)} modules"
    return "\n".join([text, *(f"    FOUND {finding}" for finding in report["findings"])])


def add_to_account(path, reports):
    """Sums over all runs, by target; returns how many executions there are in all."""
    account = json.loads(path.read_text()) if path.exists() else {}
    for report in reports:
        sums = account.setdefault(report["target"], dict.fromkeys(SUMMED, 0) | {"slowest_seconds": 0.0})
        for name in SUMMED:
            found = report[name]
            sums[name] += len(found) if isinstance(found, list) else found
        sums["slowest_seconds"] = max(sums["slowest_seconds"], report["slowest_seconds"])
    write_bytes(str(path), (json.dumps(account, indent=1, sort_keys=True) + "\n").encode(), force=True)
    return sum(sums["executions"] for sums in account.values())


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="for all targets together (default 1)")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="default: all")
    parser.add_argument("--folder", type=Path, help="where corpus, reports and findings are kept")
    parser.add_argument("--plain", action="store_true", help="mutate seeds only, without atheris")
    parser.add_argument("--seed", type=int, default=0, help="of --plain")
    parser.add_argument("--account", type=Path, help="JSON file with sums over all runs, to add to")
    options = parser.parse_args()
    names = options.target or list(TARGETS)
    seconds = max(2, int(options.minutes * 60 / len(names)))
    is_guided = not options.plain and importlib.util.find_spec("atheris") is not None
    if not is_guided:
        print(
            "not guided by coverage" + ("" if options.plain else ": atheris is not installed"),
            file=sys.stderr,
        )
    reports = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.folder or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            if is_guided:
                report = guided(name, seconds, folder)
            else:
                found = folder / "findings" if options.folder else None
                report = plain(name, seconds=seconds, seed=options.seed, findings=found).report()
            reports.append(report)
            print(told(report), flush=True)
    if options.account:
        print(f"{add_to_account(options.account, reports)} executions in the account")
    total = sum(report["executions"] for report in reports)
    print(f"{total} executions, {sum(len(report['findings']) for report in reports)} findings")
    return int(any(report["findings"] for report in reports))


if __name__ == "__main__":
    sys.exit(main())

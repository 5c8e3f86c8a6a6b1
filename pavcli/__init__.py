"""The `pav` command: one file a command. The only package that knows all others; each file is a thin shell over calls
of the library, the player or the trainer.

To add a command, for example `pav weigh`:

=====================  =================================================================================================
`pavcli/weigh.py`      `HELP` (examples first), `add_arguments(parser)`, `run(args) -> int`, which is an `ExitCode`
`pavcli/main.py`       one row in `COMMANDS`: what it does, in one line, at the place it has in `pav --help`
`pyproject.toml`       its name in the import contract of the command line, beside the others
`tests/cli/`           a test; its help, its row and its imports are tested already
=====================  =================================================================================================

What is there to be used:

=====================  =================================================================================================
`options/`             options that several commands share, and what they turn into: one noun, one file. A second
                       command that wants an option gets it from here
`options/values.py`    sizes, colours, percents, rates: what argparse checks
`options/output.py`    -o, -f, --json
`options/progress.py`  bars on stderr
`reporting.py`         exit codes, `UsageError`, notes on stderr, and what becomes of an exception
`pavplayer.packages`   `require("numba", "PIL")`, first thing in `run`: says what to install
=====================  =================================================================================================

Three rules keep a missing or broken package from spreading. Only the file of the command asked for is imported, so
commands never import each other (what two share is an option, or belongs into a library). At the top of a file stand
only imports that work with NumPy and zstandard alone: `pav weigh --help` answers in a bare install. Everything else,
such as torch or `pavtraining.hand_over`, is imported in `run`, after `require`.
"""

"""Exit codes of every `pav` command."""

FINE = 0
FILE_FAILS = 1
USAGE = 2
COULD_NOT_RUN = 3
DATA_LOST = 4

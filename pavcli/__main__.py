"""`python -m pavcli`: the `pav` command."""

from __future__ import annotations

import sys

from pavcli.main import main

sys.exit(main())

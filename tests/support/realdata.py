"""Where the real test inputs lie: `PAV_TEST_DATA`, or `../shared/data` beside the checkout."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
DATA = Path(os.environ.get("PAV_TEST_DATA") or BESIDE)

needs_data = pytest.mark.skipif(
    not (DATA / "lam" / "status.zip").is_file(),
    reason="no real test data: set PAV_TEST_DATA to the folder that holds lam/, rigs/, tracks/",
)

"""The JSON Schemas of spec/schemas."""

import json
from pathlib import Path

SCHEMAS = Path(__file__).parents[2] / "spec" / "schemas"


def schema(name):
    return json.loads((SCHEMAS / f"{name}.json").read_text())

"""One target under atheris, which keeps what reaches new code: python -m tests.fuzz.guided TARGET SECONDS FOLDER."""

import sys
import time
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["pavfmt"]):
    import pavfmt
    import pavfmt.importers  # noqa: F401

from tests.fuzz.campaign import Campaign, limited_memory

SAVED_EVERY = 500
OWN = 0.85
"""Share of mutations by structure; the rest are libFuzzer's, of bytes."""
LARGEST = 1 << 14


def main(name, seconds, folder):
    """Never returns: libFuzzer ends the process."""
    campaign = Campaign(name, folder / "findings")
    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for title, data in campaign.target.seeds().items():
        (corpus / f"seed-{title.replace('/', '-').replace(' ', '-')}").write_bytes(data)
    saved = folder / f"{name}.json"
    end = time.monotonic() + seconds - 1

    def one(data):
        campaign.run(data)
        if campaign.executions % SAVED_EVERY == 0 or time.monotonic() > end:
            campaign.save(saved)

    def mutator(data, max_size, seed):
        random = Random(seed)
        changed = (
            campaign.target.mutated(data, random) if random.random() < OWN else atheris.Mutate(data, max_size)
        )
        return changed[:max_size]

    campaign.save(saved)
    options = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", "-timeout=60", "-rss_limit_mb=4096"]
    atheris.Setup([sys.argv[0], str(corpus), *options, "-verbosity=0"], one, custom_mutator=mutator)
    with limited_memory(2 << 30):
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))

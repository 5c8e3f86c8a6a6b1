"""Look at a GaussianAvatars checkpoint moved by a FLAME track, without FLAME: the stand-in model, painted.

    python tests/look_at_flame.py FOLDER [TRACK.npz]

Writes model.pkl, checkpoint/, standin.pav and standin.png (frames of the track, a yaw each) into FOLDER, by
the commands a user would type.
"""

import sys
from pathlib import Path

import numpy as np
from flame_standin import standin_arrays, write_checkpoint, write_flame_pickle
from PIL import Image
from realdata import DATA

from pavcli.main import main
from pavplayer.evaluation.reports.contact_sheet import contact_sheet

FRAMES = ((0, 0), (20, 0), (40, 20), (60, -20), (75, 0))


def look(folder: Path, track: Path) -> Path:
    """The contact sheet's path."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = standin_arrays()
    arrays["posedirs"] *= 0.0  # random correctives are for numbers, not for eyes
    model = write_flame_pickle(folder / "model.pkl", arrays)
    checkpoint = write_checkpoint(folder / "checkpoint", arrays, track, paint=True)
    file = folder / "standin.pav"
    encode = ["encode", str(checkpoint), "--flame", str(model), "--embed-licensed-rig", "-f", "-o", str(file)]
    assert main(encode) == 0
    row = []
    for frame, yaw in FRAMES:
        picture = folder / f"frame{frame}.png"
        view = ["--track", "flame_param", "--frame", str(frame), "--yaw", str(yaw)]
        assert main(["render", str(file), *view, "-f", "-o", str(picture)]) == 0
        pixels = np.asarray(Image.open(picture).convert("RGB"), dtype=np.float32) / 255
        row.append((f"frame {frame}, yaw {yaw}", pixels))
    sheet = folder / "standin.png"
    contact_sheet([row], title="FLAME stand-in", subtitle=track.stem).save(sheet)
    return sheet


if __name__ == "__main__":
    default = DATA / "tracks" / "flame" / "track_076.npz"
    print(look(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else default))

"""An avatar in a program of one's own, cell by cell. Run it as it is, or open it as a notebook (jupytext, VS Code).

python player/examples/embedding.py [FILE or URL] [OUTPUT FOLDER]
"""

# %% An avatar arrives in the background: from a path, a URL, or "-" for stdin.
import sys
from pathlib import Path

import numpy as np

import pavplayer
from pavplayer.demo import AVATAR_FILE
from pavplayer.pictures import to_png

where = sys.argv[1] if len(sys.argv) > 1 else AVATAR_FILE
folder = Path(sys.argv[2] if len(sys.argv) > 2 else ".")
avatar = pavplayer.Avatar(where, device="auto")

# %% A first picture is possible as soon as the first Gaussians are there.
avatar.wait_until_visible()
print(f"{avatar.scene.gaussian_count:,} Gaussians after {avatar.received_bytes:,} bytes")
(folder / "first.png").write_bytes(to_png(avatar.frame()))

# %% While a program runs, it calls `update` once per frame. Here there is nothing else to do, so it waits.
avatar.wait_until_complete()
print(f"{avatar.scene.gaussian_count:,} Gaussians after {avatar.received_bytes:,} bytes")
print("shapes:", ", ".join(avatar.shape_names[:5]), "…")
print("joints:", ", ".join(avatar.joint_names))

# %% A camera, weights, a picture.
camera = avatar.camera(yaw_degrees=20, size=(275, 401))
picture = avatar.frame(camera, {"jawOpen": 0.6, "browInnerUp": 0.8})
(folder / "talking.png").write_bytes(to_png(picture))
print(f"a picture of {picture.shape[1]}×{picture.shape[0]} pixels")

# %% Another renderer takes the Gaussians themselves: world space, gsplat's names, nothing copied.
cloud = avatar.posed({"jawOpen": 0.6})
nearest = np.linalg.norm(np.asarray(cloud.means) - camera.position, axis=1).min()
print(f"{len(cloud.means):,} Gaussians, the nearest {nearest:.2f} m from the camera")

# %% And as torch tensors, in the memory of those arrays.
try:
    tensors = avatar.tensors({"jawOpen": 0.6})
    print({name: tuple(values.shape) for name, values in tensors.items()})
except ModuleNotFoundError:
    print("torch is not installed, so no tensors")
avatar.close()

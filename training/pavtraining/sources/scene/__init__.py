"""The scene: the CC0 head with skin, eyes and hair, drawn as a lit, textured mesh.

It looks like research, and stands here because `pav fit scene` is a source for everybody who has installed the
package: a fit can be tried, and the demo avatar made again, without a capture or anybody's avatar.

How it works, from paint to pictures. `surface` is the posed rig. `paint`, `hair` and `eyes` say what is where, as
functions of the place on the resting head, which `texture` writes into `texels` of every face and `ribbons` carry
for the hair. `light` works out once how much of the light reaches each vertex. `head` puts all of it into one list
of triangles that no pose changes. For a picture `drawing` poses that list, `visibility` finds the nearest triangle
at each sample with a depth buffer, and `shading` asks `materials` for its colour. `studio` has the cameras and the
performance.

Nothing is random but by seed, and no picture depends on the number of threads.
"""

from __future__ import annotations

from pavtraining.sources.scene.studio import SceneSource

__all__ = ["SceneSource"]

"""From an avatar and a pose to Gaussians in world space (§7–8), for playback.

`pavfmt.posing` is the reference: float64, one level after the other, everything worked out anew, for whoever wants to
read the rules as code and for tests. Here the same numbers come out in milliseconds, because what does not move is
worked out once (`Poser`) and what moves is done in one pass over memory (`kernels`).

A frame goes through four stages:

1. **Skeleton** (`skinned_mesh.SkeletonPose`). A few joints: their global rotations and translations (§7, step 4), and
   the entries of R − I that the correctives are weighted by. Plain NumPy, in float64.
2. **Skinned mesh** (`skinned_mesh.Mesh`). Neutral + weighted shapes + correctives, midpoints of a subdivided mesh, then
   linear blend skinning (steps 1, 2, 3, 5). Shapes of weight 0 cost nothing.
3. **Split points** (`Mesh.with_splits`). Faces of finer levels have corners that no mesh has: each split puts a point
   inside a face, mixed of its corners, and makes three faces of it (step 6). Points are numbered vertices first, then
   the splits level after level; a level's faces are three such numbers each, looked up once, so that a frame only
   mixes each point from three that are there already. Face frames want the points of the *skinned* mesh; surface
   points want them *unskinned*, as they are skinned at the very end with weights mixed the same way.
4. **Bindings** (`bindings`). Each Gaussian is carried by a frame (§8): that of its face (`FaceFrameBinding`; a frame is
   worked out once for each face in use and shared by its Gaussians), or skinning's linear map at a point of the surface
   (`SurfacePointBinding`). An avatar may have levels of both kinds: both are posed and put in the order asked for.

Vectors are component first, (3, N): a step that needs all x and all y reads them one after the other, and the first
Gaussians alone are a slice, which is how `Poser.leading` poses a prefix without copying. Points and frames are
float64, what is done for each Gaussian float32: an edge of a small face is a difference of nearly equal positions.

There is one more spelling, in torch (`tensor_frames`, `tensor_poser`): for devices, and for training, which wants
gradients.
"""

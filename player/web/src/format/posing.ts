/** Posed Gaussians in world space: what a rasterizer draws (§7 and §8). */

import { faceFrame, type Frame } from "./binding.js";
import { Hierarchy } from "./hierarchy.js";
import { poseMesh, type Pose, type PosedMesh } from "./mesh_posing.js";
import type { GaussianBlock, LevelEntry } from "./model.js";
import { applyMatrix, quatProduct, vectorAt, type Quat, type Vector } from "./rotations.js";
import type { Scene, SceneArrays } from "./scene.js";
import { SkinRows } from "./skin.js";

/** N Gaussians in world space, in the order of their indices: the order at equal depth. */
export interface PosedGaussians {
  /** (N, 3). */
  readonly means: Float32Array;
  /** (N, 4), (w, x, y, z). */
  readonly quats: Float32Array;
  /** (N, 3). */
  readonly scales: Float32Array;
  /** (N), hand-over applied. */
  readonly opacities: Float32Array;
  /** (N, K, 3), K of the highest degree of any level; the first is sh0. */
  readonly sh: Float32Array;
  /** (N, 4): view directions are turned by the inverse before SH are evaluated; null where no level needs it. */
  readonly shQuats: Float32Array | null;
}

/** How one Gaussian finds its frame. */
type Follower =
  | { readonly kind: "face"; readonly corners: readonly [number, number, number] }
  | {
      readonly kind: "point";
      readonly skinRow: number;
      readonly points: readonly number[];
      readonly shares: readonly number[];
    };

/** Poses the Gaussians that a scene has now; make another when `scene.revision` has changed. */
export class Poser {
  readonly revision: number;
  private readonly arrays: SceneArrays;
  private readonly opacities: Float32Array;
  private readonly baseScales: Float32Array;
  private readonly sh: Float32Array;
  private readonly hierarchy: Hierarchy | null;
  /** Rows of the vertices and, behind them, of the split points. */
  private readonly pointWeights = new SkinRows();
  /** Rows of the Gaussians at surface points. */
  private readonly ownWeights = new SkinRows();
  private readonly followers: Follower[] = [];
  private readonly localSh: Uint8Array;

  constructor(private readonly scene: Scene) {
    this.revision = scene.revision;
    this.arrays = scene.arrays();
    const effective = scene.effective();
    this.opacities = effective.opacities;
    this.baseScales = effective.logScales.map(Math.exp);
    this.sh = joinedSh(this.arrays);
    const { rig } = scene;
    this.hierarchy = rig && new Hierarchy(rig, scene.splits);
    const joints = rig ? rig.jointNames.length : 1;
    for (let v = 0; rig && v < rig.vertexCount; v++) this.pointWeights.addDense(rig.weights, v * joints, joints);
    if (this.hierarchy) this.addSplitWeights(this.hierarchy, joints);
    for (const block of scene.blocks) this.addFollowers(block, scene.table!.levels[block.level], joints);
    this.localSh = Uint8Array.from(this.arrays.levels, (level) =>
      scene.table!.levels[level].shFrame === "local" ? 1 : 0,
    );
  }

  /** All Gaussians in `pose`. */
  pose(pose: Pose = {}): PosedGaussians {
    const mesh = poseMesh(this.scene, pose);
    const rest = this.hierarchy ? this.hierarchy.withSplitPoints(mesh.points) : mesh.points;
    const skinned = this.followers.some((one) => one.kind === "face") ? this.skinned(mesh) : rest;
    const count = this.followers.length;
    const means = new Float32Array(3 * count);
    const quats = new Float32Array(4 * count);
    const scales = new Float32Array(3 * count);
    const shQuats = this.localSh.includes(1) ? new Float32Array(4 * count) : null;
    for (let i = 0; i < count; i++) {
      const follower = this.followers[i];
      const frame =
        follower.kind === "face" ? faceFrame(skinned, ...follower.corners) : this.pointFrame(follower, rest, mesh);
      const moved = applyMatrix(frame.linear, vectorAt(this.arrays.means, i));
      for (let axis = 0; axis < 3; axis++) {
        means[3 * i + axis] = frame.origin[axis] + moved[axis];
        scales[3 * i + axis] = frame.size * this.baseScales[3 * i + axis];
      }
      quats.set(quatProduct(frame.quat, this.localQuat(i)), 4 * i);
      shQuats?.set(this.localSh[i] ? frame.quat : [1, 0, 0, 0], 4 * i);
    }
    return { means, quats, scales, opacities: this.opacities.slice(), sh: this.sh, shQuats };
  }

  private localQuat(i: number): Quat {
    const { quats } = this.arrays;
    return [quats[4 * i], quats[4 * i + 1], quats[4 * i + 2], quats[4 * i + 3]];
  }

  private addFollowers(block: GaussianBlock, entry: LevelEntry, joints: number): void {
    const weights = new Float64Array(joints);
    block.sites.forEach((site, i) => {
      if (entry.binding === "face-frame") {
        this.followers.push({ kind: "face", corners: this.hierarchy!.corners(block.level, site) });
        return;
      }
      let points: number[] = [];
      let shares: number[] = [];
      if (entry.site === "joint") this.ownWeights.addJoint(site);
      else {
        points = entry.site === "vertex" ? [site] : this.hierarchy!.corners(block.level, site);
        shares = entry.site === "vertex" ? [1] : Array.from(block.barycentrics!.subarray(3 * i, 3 * i + 3));
        weights.fill(0);
        points.forEach((point, c) => this.pointWeights.accumulate(point, shares[c], weights));
        this.ownWeights.addDense(weights);
      }
      this.followers.push({ kind: "point", skinRow: this.ownWeights.count - 1, points, shares });
    });
  }

  /** The weights of split points: those of their corners, mixed. */
  private addSplitWeights({ splitCorners, splitShares }: Hierarchy, joints: number): void {
    const weights = new Float64Array(joints);
    for (let s = 0; s < splitCorners.length; s += 3) {
      weights.fill(0);
      for (let c = s; c < s + 3; c++) this.pointWeights.accumulate(splitCorners[c], splitShares[c], weights);
      this.pointWeights.addDense(weights);
    }
  }

  /** Step 5 of section 7, and the split points in this pose. */
  private skinned(mesh: PosedMesh): Float64Array {
    const matrix = new Float64Array(9);
    const vertices = new Float64Array(mesh.points.length);
    for (let v = 0; 3 * v < vertices.length; v++) {
      const offset = this.pointWeights.blend(v, mesh.joints, matrix);
      const moved = applyMatrix(matrix, vectorAt(mesh.points, v));
      for (let axis = 0; axis < 3; axis++) vertices[3 * v + axis] = moved[axis] + offset[axis];
    }
    return this.hierarchy!.withSplitPoints(vertices);
  }

  private pointFrame(follower: Follower & { kind: "point" }, rest: Float64Array, mesh: PosedMesh): Frame {
    const linear = new Float64Array(9);
    const origin = this.ownWeights.blend(follower.skinRow, mesh.joints, linear);
    const x: Vector = [0, 0, 0];
    follower.points.forEach((point, c) => {
      for (let axis = 0; axis < 3; axis++) x[axis] += follower.shares[c] * rest[3 * point + axis];
    });
    applyMatrix(linear, x).forEach((value, axis) => (origin[axis] += value));
    return { origin, linear, quat: this.ownWeights.blendQuats(follower.skinRow, mesh.joints), size: 1 };
  }
}

/** sh0 and shN side by side: (N, K, 3). */
function joinedSh({ sh0, shN }: SceneArrays): Float32Array {
  const count = sh0.length / 3;
  const width = (sh0.length + shN.length) / Math.max(1, count);
  const sh = new Float32Array(sh0.length + shN.length);
  for (let i = 0; i < count; i++) {
    sh.set(sh0.subarray(3 * i, 3 * i + 3), i * width);
    sh.set(shN.subarray(i * (width - 3), (i + 1) * (width - 3)), i * width + 3);
  }
  return sh;
}

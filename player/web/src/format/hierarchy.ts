/** The points that splits add to the mesh, and the corners of every level's faces (§6.8). */

import { FaceIndex } from "./faces.js";
import type { RigCore, SplitBlock } from "./model.js";

/** Points are the V vertices, then one for each split that is there. */
export class Hierarchy {
  /** (S, 3) points and (S, 3) shares of each split point; each comes after the points it is mixed of. */
  readonly splitCorners: Int32Array;
  readonly splitShares: Float32Array;
  private readonly index: FaceIndex;
  private readonly firstPoint = new Map<SplitBlock, number>();

  /** `blocks` ascending by level. */
  constructor(
    private readonly rig: RigCore,
    blocks: readonly SplitBlock[],
  ) {
    this.index = new FaceIndex(rig.faces.length / 3, blocks);
    const total = blocks.reduce((sum, block) => sum + block.parents.length, 0);
    this.splitCorners = new Int32Array(3 * total);
    this.splitShares = new Float32Array(3 * total);
    let split = 0;
    for (const block of blocks) {
      this.firstPoint.set(block, rig.vertexCount + split);
      this.splitShares.set(block.barycentrics, 3 * split);
      for (const parent of block.parents) this.splitCorners.set(this.corners(block.level - 1, parent), 3 * split++);
    }
  }

  /** The points at the corners of `face` of `level`, which must be there. */
  corners(level: number, face: number): [number, number, number] {
    if (level === 0) {
      const { faces } = this.rig;
      return [faces[3 * face], faces[3 * face + 1], faces[3 * face + 2]];
    }
    const { block, row } = this.index.split(level, face)!;
    const point = this.firstPoint.get(block)! + row;
    const at = 3 * (point - this.rig.vertexCount);
    const which = face % 3;
    return [this.splitCorners[at + which], this.splitCorners[at + ((which + 1) % 3)], point];
  }

  /** Positions (V, 3) of the vertices, and behind them those of the split points. */
  withSplitPoints(vertices: Float64Array): Float64Array {
    const points = new Float64Array(vertices.length + this.splitCorners.length);
    points.set(vertices);
    for (let s = 0; s < this.splitCorners.length; s += 3) {
      for (let axis = 0; axis < 3; axis++) {
        let sum = 0;
        for (let c = s; c < s + 3; c++) sum += this.splitShares[c] * points[3 * this.splitCorners[c] + axis];
        points[vertices.length + s + axis] = sum;
      }
    }
    return points;
  }
}

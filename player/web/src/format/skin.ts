/** Skinning weights as short lists: most vertices follow few joints. */

import type { JointTransform } from "./mesh_posing.js";
import { unitQuat, type Quat, type Vector } from "./rotations.js";

/** Row i has the joints and weights from `starts[i]` up to `starts[i + 1]`; the weights of a row sum to one. */
export class SkinRows {
  private readonly starts: number[] = [0];
  private readonly joints: number[] = [];
  private readonly weights: number[] = [];

  get count(): number {
    return this.starts.length - 1;
  }

  /** Adds a row, from the weights of all joints. */
  addDense(weights: ArrayLike<number>, from = 0, count = weights.length): void {
    let sum = 0;
    for (let k = 0; k < count; k++) sum += weights[from + k];
    for (let k = 0; k < count; k++) if (weights[from + k] !== 0) this.put(k, weights[from + k] / sum);
    this.starts.push(this.joints.length);
  }

  /** Adds a row that follows one joint. */
  addJoint(joint: number): void {
    this.put(joint, 1);
    this.starts.push(this.joints.length);
  }

  /** Adds `share` times row `row` to the weights of all joints. */
  accumulate(row: number, share: number, target: Float64Array): void {
    for (let i = this.starts[row]; i < this.starts[row + 1]; i++) target[this.joints[i]] += share * this.weights[i];
  }

  /** Σ w A into `matrix` (9) and, returned, Σ w b. */
  blend(row: number, joints: readonly JointTransform[], matrix: Float64Array): Vector {
    matrix.fill(0);
    const offset: Vector = [0, 0, 0];
    for (let i = this.starts[row]; i < this.starts[row + 1]; i++) {
      const joint = joints[this.joints[i]];
      const weight = this.weights[i];
      for (let entry = 0; entry < 9; entry++) matrix[entry] += weight * joint.matrix[entry];
      for (let axis = 0; axis < 3; axis++) offset[axis] += weight * joint.offset[axis];
    }
    return offset;
  }

  /** unit(Σ w σ r), σ turning each quaternion to the side of that of the largest weight (section 8). */
  blendQuats(row: number, joints: readonly JointTransform[]): Quat {
    const [from, to] = [this.starts[row], this.starts[row + 1]];
    let largest = from;
    for (let i = from + 1; i < to; i++) if (this.weights[i] > this.weights[largest]) largest = i;
    const side = joints[this.joints[largest]].quat;
    const sum: Quat = [0, 0, 0, 0];
    for (let i = from; i < to; i++) {
      const { quat } = joints[this.joints[i]];
      const along = quat[0] * side[0] + quat[1] * side[1] + quat[2] * side[2] + quat[3] * side[3];
      const weight = along < 0 ? -this.weights[i] : this.weights[i];
      for (let c = 0; c < 4; c++) sum[c] += weight * quat[c];
    }
    return unitQuat(sum);
  }

  private put(joint: number, weight: number): void {
    this.joints.push(joint);
    this.weights.push(weight);
  }
}

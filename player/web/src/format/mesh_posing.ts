/** The mesh in a pose: blendshapes, correctives, midpoints, joints (§7). */

import {
  applyMatrix,
  axisAngleMatrix,
  matrixProduct,
  matrixQuat,
  minus,
  vectorAt,
  type Quat,
  type Vector,
} from "./rotations.js";
import type { Scene } from "./scene.js";
import { withMidpoints } from "./subdivision.js";

/** What drives an avatar for one frame; what it does not name is at rest. */
export interface Pose {
  /** By shape name. */
  readonly weights?: Readonly<Record<string, number>>;
  /** By joint name: axis times angle in radians. */
  readonly rotations?: Readonly<Record<string, Vector>>;
  readonly translation?: Vector;
}

/** The skinning transform x → A x + b of a joint, and a unit quaternion of A. */
export interface JointTransform {
  readonly matrix: readonly number[];
  readonly offset: Vector;
  readonly quat: Quat;
}

/** (V, 3) the mesh before skinning, and what its joints do. */
export interface PosedMesh {
  readonly points: Float64Array;
  readonly joints: readonly JointTransform[];
}

/** Steps 1 to 4. A scene without a rig has no points and one joint, moved by the translation alone. */
export function poseMesh(scene: Scene, pose: Pose): PosedMesh {
  const translation = pose.translation ?? [0, 0, 0];
  const { rig, identity } = scene;
  if (!rig) {
    const still: JointTransform = { matrix: axisAngleMatrix([0, 0, 0]), offset: translation, quat: [1, 0, 0, 0] };
    return { points: new Float64Array(0), joints: [still] };
  }
  const base = Float64Array.from(identity?.neutral ?? rig.meanNeutral);
  const rests = Float64Array.from(identity?.joints ?? rig.meanJoints);
  for (const [index, shape] of scene.shapes) {
    const weight = pose.weights?.[rig.shapeNames[index]] ?? 0;
    if (weight === 0) continue;
    addScaled(base, shape.displacements, weight);
    if (shape.jointDisplacements) addScaled(rests, shape.jointDisplacements, weight);
  }
  const rotations = rig.jointNames.map((name) => axisAngleMatrix(pose.rotations?.[name] ?? [0, 0, 0]));
  addCorrectives(scene, rotations, base);
  return {
    points: withMidpoints(base, rig.edges),
    joints: jointTransforms(rig.jointParents, rests, rotations, translation),
  };
}

function addScaled(target: Float64Array, values: Float32Array, weight: number): void {
  for (let i = 0; i < target.length; i++) target[i] += weight * values[i];
}

function addCorrectives(scene: Scene, rotations: readonly number[][], base: Float64Array): void {
  const { rig, correctives } = scene;
  if (!rig || !correctives) return;
  rig.correctiveJoints.forEach((joint, k) => {
    rotations[joint].forEach((entry, rc) => {
      const weight = entry - (rc % 4 === 0 ? 1 : 0);
      const start = (9 * k + rc) * base.length;
      if (weight !== 0) addScaled(base, correctives.displacements.subarray(start, start + base.length), weight);
    });
  });
}

function jointTransforms(
  parents: readonly number[],
  rests: Float64Array,
  rotations: readonly number[][],
  translation: Vector,
): JointTransform[] {
  const matrices: number[][] = [];
  const offsets: Vector[] = [];
  parents.forEach((parent, k) => {
    const rest = vectorAt(rests, k);
    const own = minus(rest, applyMatrix(rotations[k], rest));
    if (parent < 0) {
      matrices.push(rotations[k]);
      offsets.push(own);
      return;
    }
    const moved = applyMatrix(matrices[parent], own);
    matrices.push(matrixProduct(matrices[parent], rotations[k]));
    offsets.push([0, 1, 2].map((axis) => moved[axis] + offsets[parent][axis]) as Vector);
  });
  return matrices.map((matrix, k) => ({
    matrix,
    offset: [0, 1, 2].map((axis) => offsets[k][axis] + translation[axis]) as Vector,
    quat: matrixQuat(matrix),
  }));
}

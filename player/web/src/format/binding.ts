/** Frames that Gaussians follow (§8). */

import { cross, dot, matrixQuat, minus, vectorAt, type Quat, type Vector } from "./rotations.js";

/** mean = origin + linear · m, quaternion = quat ⊗ q, scale = size · exp(log scale). */
export interface Frame {
  readonly origin: Vector;
  /** Nine numbers, row by row. */
  readonly linear: ArrayLike<number>;
  readonly quat: Quat;
  readonly size: number;
}

const DEGENERATE = 1e-20;

/** The frame of the face with these corners, among `points`. */
export function faceFrame(points: Float64Array, a: number, b: number, c: number): Frame {
  const [v0, v1, v2] = [vectorAt(points, a), vectorAt(points, b), vectorAt(points, c)];
  const edge = minus(v1, v0);
  const side = minus(v2, v0);
  const a0: Vector = dot(edge, edge) < DEGENERATE ? [1, 0, 0] : unit(edge);
  let normal = cross(a0, side);
  if (dot(normal, normal) < DEGENERATE) normal = cross(a0, smallestAxis(a0));
  const a1 = unit(normal);
  const [x, y, z] = unit(cross(a1, a0));
  const a2: Vector = [-x, -y, -z];
  const rotation = [a0[0], a1[0], a2[0], a0[1], a1[1], a2[1], a0[2], a1[2], a2[2]];
  const size = (Math.sqrt(dot(edge, edge)) + Math.abs(dot(a2, side))) / 2;
  return {
    origin: [0, 1, 2].map((axis) => (v0[axis] + v1[axis] + v2[axis]) / 3) as Vector,
    linear: rotation.map((entry) => size * entry),
    quat: matrixQuat(rotation),
    size,
  };
}

function unit(v: Vector): Vector {
  const length = Math.sqrt(dot(v, v));
  return [v[0] / length, v[1] / length, v[2] / length];
}

/** The coordinate axis along which `v` is shortest, the first such. */
function smallestAxis(v: Vector): Vector {
  const sizes = v.map(Math.abs);
  const axis = sizes.indexOf(Math.min(...sizes));
  return [0, 1, 2].map((i) => (i === axis ? 1 : 0)) as Vector;
}

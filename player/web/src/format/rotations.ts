/** Rotations: 3 × 3 matrices as nine numbers row by row, and quaternions (w, x, y, z). */

export type Quat = [number, number, number, number];
export type Vector = [number, number, number];

/** The matrix of a rotation by |v| radians about v. */
export function axisAngleMatrix([x, y, z]: Vector): number[] {
  const angle = Math.hypot(x, y, z);
  if (angle === 0) return [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const [a, b, c] = [x / angle, y / angle, z / angle];
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const rest = 1 - cos;
  return [
    cos + rest * a * a,
    rest * a * b - sin * c,
    rest * a * c + sin * b,
    rest * a * b + sin * c,
    cos + rest * b * b,
    rest * b * c - sin * a,
    rest * a * c - sin * b,
    rest * b * c + sin * a,
    cos + rest * c * c,
  ];
}

/** The unit quaternion of a rotation matrix, by its largest component. */
export function matrixQuat(m: ArrayLike<number>): Quat {
  const [xx, yy, zz] = [m[0], m[4], m[8]];
  const squares = [1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz];
  const largest = squares.indexOf(Math.max(...squares));
  const [a, b, c] = [m[7] - m[5], m[2] - m[6], m[3] - m[1]];
  const [d, e, f] = [m[1] + m[3], m[2] + m[6], m[5] + m[7]];
  const rows: Quat[] = [
    [squares[0], a, b, c],
    [a, squares[1], d, e],
    [b, d, squares[2], f],
    [c, e, f, squares[3]],
  ];
  return unitQuat(rows[largest]);
}

export function unitQuat([w, x, y, z]: Quat): Quat {
  const length = Math.hypot(w, x, y, z);
  return [w / length, x / length, y / length, z / length];
}

/** p ⊗ q: the rotation q, then p. */
export function quatProduct(p: Quat, q: Quat): Quat {
  return [
    p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3],
    p[0] * q[1] + p[1] * q[0] + p[2] * q[3] - p[3] * q[2],
    p[0] * q[2] - p[1] * q[3] + p[2] * q[0] + p[3] * q[1],
    p[0] * q[3] + p[1] * q[2] - p[2] * q[1] + p[3] * q[0],
  ];
}

/** a · b for matrices. */
export function matrixProduct(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  const product: number[] = [];
  for (let row = 0; row < 9; row += 3) {
    for (let column = 0; column < 3; column++) {
      product.push(a[row] * b[column] + a[row + 1] * b[column + 3] + a[row + 2] * b[column + 6]);
    }
  }
  return product;
}

export function applyMatrix(m: ArrayLike<number>, [x, y, z]: Vector): Vector {
  return [m[0] * x + m[1] * y + m[2] * z, m[3] * x + m[4] * y + m[5] * z, m[6] * x + m[7] * y + m[8] * z];
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

export const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

export const vectorAt = (values: ArrayLike<number>, index: number): Vector => [
  values[3 * index],
  values[3 * index + 1],
  values[3 * index + 2],
];

/** The units that go with a rig: reference, identity, shape, correctives (§6.3 to §6.6). */

import { readColumn } from "../compression.js";
import type { FieldReader } from "../fields.js";
import type { Correctives, Identity, RigCore, RigReference, Shape } from "../model.js";
import { columnWidth, dequantize, readGrids } from "../quantization.js";
import { readDisplacements } from "./displacements.js";

export function readRigReference(reader: FieldReader): RigReference {
  const sha256 = Array.from(reader.take(32), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const name = reader.string();
  reader.end();
  return { sha256, name };
}

/** The personal neutral: sums of the rig's mean and what the unit adds, in binary32. */
export function readIdentity(reader: FieldReader, rig: RigCore): Identity {
  const count = rig.baseVertexCount;
  const neutral = new Float32Array(3 * count);
  readGrids(reader, 3).forEach((grid, axis) => {
    const at = reader.position;
    const column = readColumn(reader, count, columnWidth(grid));
    if (column.some((q) => q >= 2 ** grid.bits)) throw reader.error("bad-field", "a coordinate is not on its grid", at);
    dequantize(grid, column, neutral, axis, 3);
  });
  const joints = reader.f32s(rig.meanJoints.length);
  reader.end();
  for (let i = 0; i < neutral.length; i++) neutral[i] = rig.meanNeutral[i] + neutral[i];
  for (let i = 0; i < joints.length; i++) joints[i] = rig.meanJoints[i] + joints[i];
  return { neutral, joints };
}

export function readShape(reader: FieldReader, rig: RigCore): Shape {
  const at = reader.position;
  const index = reader.count("a shape's index", reader.limits.shapes);
  if (index >= rig.shapeNames.length) throw reader.error("index-out-of-range", `no shape ${index}`, at);
  const jointDisplacements = reader.flag() ? reader.f32s(rig.meanJoints.length) : null;
  const displacements = readDisplacements(reader, rig.baseVertexCount);
  reader.end();
  return { index, displacements, jointDisplacements };
}

export function readCorrectives(reader: FieldReader, rig: RigCore): Correctives {
  const count = 9 * rig.correctiveJoints.length;
  const size = 3 * rig.baseVertexCount;
  const parts: Float32Array[] = [];
  for (let k = 0; k < count; k++) parts.push(readDisplacements(reader, rig.baseVertexCount));
  reader.end();
  const displacements = new Float32Array(count * size);
  parts.forEach((part, k) => displacements.set(part, k * size));
  return { displacements };
}

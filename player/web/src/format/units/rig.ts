/** Rig unit (§6.2). */

import { readColumn, readSignedColumn } from "../compression.js";
import { walk, WalkError, type Connectivity } from "../connectivity.js";
import type { FieldReader } from "../fields.js";
import type { RigCore } from "../model.js";
import { facePlaces, vertexPlaces, withMidpointPlaces } from "../places.js";
import { dequantize, readGrids } from "../quantization.js";
import { mostValues } from "../registry.js";
import { subdivide } from "../subdivision.js";

const NO_PARENT = 0xffff;
const MAX_REGIONS = 16;

export function readRig(reader: FieldReader): RigCore {
  const { limits } = reader;
  const profile = reader.string();
  const baseVertexCount = meshCount(reader, "the vertex count", limits.vertices, 1);
  const baseFaceCount = meshCount(reader, "the face count", limits.faces, 0);
  const subdivisionsAt = reader.position;
  const subdivisions = reader.u8();
  if (subdivisions > 1) throw reader.error("bad-field", `${subdivisions} subdivisions`, subdivisionsAt);
  const joints = readJoints(reader);
  const shapes = readShapeNames(reader, baseVertexCount);
  const correctiveJoints = readCorrectiveJoints(reader, joints.names.length, baseVertexCount);
  const regionNames = readRegionNames(reader);
  const mesh = readConnectivity(reader, baseFaceCount, baseVertexCount);
  const meanNeutral = readNeutral(reader, mesh);
  const halved = subdivisions === 1 ? subdivide(mesh.faces, baseVertexCount) : null;
  const edges = halved ? halved.edges : new Int32Array(0);
  const faces = halved ? halved.faces : mesh.faces;
  const weights = readWeights(reader, baseVertexCount, joints.names.length, edges);
  reader.end();
  const places = withMidpointPlaces(vertexPlaces(meanNeutral), edges);
  return {
    profile,
    subdivisions,
    baseFaces: mesh.faces,
    faces,
    edges,
    baseVertexCount,
    vertexCount: baseVertexCount + edges.length / 2,
    meanNeutral,
    jointNames: joints.names,
    jointParents: joints.parents,
    meanJoints: joints.positions,
    weights,
    shapeNames: shapes.names,
    isEssential: shapes.essential,
    correctiveJoints,
    regionNames,
    vertexPlaces: places,
    facePlaces: facePlaces(places, faces),
  };
}

/** What a payload of this size may make a reader allocate. */
const most = (reader: FieldReader): number => mostValues(reader.payloadBytes);

function meshCount(reader: FieldReader, what: string, limit: number, least: number): number {
  const at = reader.position;
  const count = reader.count(what, limit, least);
  if (count > most(reader)) throw reader.error("bad-field", `${what} is ${count} in this payload`, at);
  return count;
}

function readJoints(reader: FieldReader): { names: string[]; parents: number[]; positions: Float32Array } {
  const count = reader.count("the joint count", reader.limits.joints, 1);
  const names: string[] = [];
  const parents: number[] = [];
  const positions = new Float32Array(3 * count);
  for (let k = 0; k < count; k++) {
    names.push(reader.string());
    const parentAt = reader.position;
    const parent = reader.u16();
    if (k === 0 ? parent !== NO_PARENT : parent >= k) {
      throw reader.error("bad-field", `joint ${k} has the parent ${parent}`, parentAt);
    }
    parents.push(parent === NO_PARENT ? -1 : parent);
    positions.set(reader.f32s(3), 3 * k);
  }
  return { names, parents, positions };
}

function readShapeNames(reader: FieldReader, vertexCount: number): { names: string[]; essential: boolean[] } {
  const at = reader.position;
  const count = reader.count("the shape count", reader.limits.shapes);
  if (3 * vertexCount * count > reader.limits.rigValues) throw reader.error("limit-exceeded", "too many shapes", at);
  const names: string[] = [];
  const essential: boolean[] = [];
  for (let k = 0; k < count; k++) {
    names.push(reader.string());
    essential.push(reader.flag());
  }
  return { names, essential };
}

function readCorrectiveJoints(reader: FieldReader, jointCount: number, vertexCount: number): number[] {
  const at = reader.position;
  const count = reader.count("the corrective joint count", reader.limits.joints);
  if (27 * vertexCount * count > reader.limits.rigValues)
    throw reader.error("limit-exceeded", "too many correctives", at);
  return Array.from({ length: count }, () => {
    const jointAt = reader.position;
    const joint = reader.count("a corrective joint", reader.limits.joints);
    if (joint >= jointCount) throw reader.error("index-out-of-range", `no joint ${joint}`, jointAt);
    return joint;
  });
}

function readRegionNames(reader: FieldReader): string[] {
  const at = reader.position;
  const count = reader.u8();
  if (count > MAX_REGIONS) throw reader.error("bad-field", `${count} regions`, at);
  return Array.from({ length: count }, () => reader.string());
}

function readConnectivity(reader: FieldReader, faceCount: number, vertexCount: number): Connectivity {
  const at = reader.position;
  const stream = (most: number, width: 1 | 4): Uint32Array => {
    const countAt = reader.position;
    const count = reader.varint();
    if (count > most) throw reader.error("bad-field", `${count} steps for ${faceCount} faces`, countAt);
    return readColumn(reader, count, width);
  };
  const symbols = stream(4 * faceCount, 1);
  const rotations = stream(faceCount, 1);
  const numbers = stream(4 * faceCount, 4);
  try {
    return walk({ symbols, rotations, numbers }, faceCount, vertexCount);
  } catch (error) {
    if (error instanceof WalkError) throw reader.error("bad-field", error.message, at);
    throw error;
  }
}

function readNeutral(reader: FieldReader, mesh: Connectivity): Float32Array {
  const { x, y, w } = mesh.predictions;
  const count = x.length;
  const grids = readGrids(reader, 3);
  const neutral = new Float32Array(3 * count);
  grids.forEach((grid, axis) => {
    const at = reader.position;
    const values = readColumn(reader, count, 2);
    for (let i = 0; i < count; i++) {
      const predicted = x[i] >= 0 ? values[x[i]] + values[y[i]] - values[w[i]] : i > 0 ? values[i - 1] : 0;
      values[i] = (values[i] + predicted) & 0xffff;
      if (values[i] >= 2 ** grid.bits) throw reader.error("bad-field", "a coordinate is not on its grid", at);
    }
    dequantize(grid, values, neutral, axis, 3);
  });
  return neutral;
}

/** (V, J) weights: columns of all joints but the last, which has what is left. */
function readWeights(reader: FieldReader, baseCount: number, jointCount: number, edges: Int32Array): Float32Array {
  const bitsAt = reader.position;
  const edgeCount = edges.length / 2;
  const count = baseCount + edgeCount;
  if (count * jointCount > reader.limits.rigValues) throw reader.error("limit-exceeded", "too many weights", bitsAt);
  if (count * jointCount > most(reader))
    throw reader.error("bad-field", "more weights than this payload may bring", bitsAt);
  const bits = reader.u8();
  if (bits < 1 || bits > 16) throw reader.error("bad-field", `weights of ${bits} bits`, bitsAt);
  const one = 2 ** bits - 1;
  const columns = Array.from({ length: jointCount - 1 }, () => new Int32Array(count));
  for (const column of columns) column.set(readColumn(reader, baseCount, 2));
  if (edgeCount > 0)
    for (const column of columns) addMidpoints(column, readSignedColumn(reader, edgeCount), edges, baseCount);
  const weights = new Float32Array(count * jointCount);
  for (let v = 0; v < count; v++) {
    let left = one;
    columns.forEach((column, k) => {
      if (column[v] < 0) left = -1;
      left -= left < 0 ? 0 : column[v];
      weights[v * jointCount + k] = column[v] / one;
    });
    if (left < 0) throw reader.error("bad-field", `the weights of vertex ${v} do not sum to one`, bitsAt);
    weights[v * jointCount + jointCount - 1] = left / one;
  }
  return weights;
}

function addMidpoints(column: Int32Array, residuals: Int32Array, edges: Int32Array, baseCount: number): void {
  residuals.forEach((residual, e) => {
    column[baseCount + e] = residual + ((column[edges[2 * e]] + column[edges[2 * e + 1]]) >> 1);
  });
}

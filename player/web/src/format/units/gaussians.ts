/** Gaussians unit (§6.9). */

import { FaceIndex } from "../faces.js";
import type { FieldReader } from "../fields.js";
import type { GaussianBlock, LevelEntry, RigCore } from "../model.js";
import { buildNeighbourhood, type Neighbourhood } from "../neighbourhood.js";
import { barycentrics, dequantize, stereographicQuat, type Grid } from "../quantization.js";
import { mostExpansion } from "../registry.js";
import { readBlock, type BlockAttribute } from "../residuals.js";
import { readAscending } from "../rice.js";
import type { Needed } from "./needed.js";

const BARYCENTRIC_ONE = 2 ** 15;
const MAX_MULTIPLIER = 65535;
const MAX_GRADE = 7;
const COLOUR = 3;

/** An attribute: its columns, of which colours tell (G, R − G, B − G), and how many values each may take. */
interface Attribute extends BlockAttribute {
  readonly colour: boolean;
  /** By column. */
  readonly ceilings: readonly number[];
}

/** The Gaussians of unit `unit`. */
export function readGaussians(reader: FieldReader, unit: number, needed: Needed): GaussianBlock {
  const table = needed.levels();
  const levelAt = reader.position;
  const level = reader.u8();
  const entry = table.levels[level];
  if (!entry) throw reader.error("bad-field", `no level ${level}`, levelAt);
  const firstAt = reader.position;
  const first = reader.count("the first Gaussian", reader.limits.gaussians);
  const count = reader.count("a unit's Gaussian count", reader.limits.gaussiansPerUnit);
  const total = table.levels.reduce((sum, one) => sum + one.gaussianCount, 0);
  if (first + count > total)
    throw reader.error("index-out-of-range", `Gaussians ${first} to ${first + count}`, firstAt);
  if (count === 0 || count > mostExpansion(reader.payloadBytes)) {
    throw reader.error("bad-field", `${count} Gaussians in this payload`, firstAt);
  }
  const sites = readAscending(reader, count);
  const rig = table.rigSource === "none" ? null : needed.anyRig();
  const faces = new FaceIndex(rig ? rig.faces.length / 3 : 0, needed.splits());
  const roots = sites.map((site) => {
    const root = rootSite(site, level, entry, rig, faces);
    if (root === null) throw reader.error("index-out-of-range", `no ${entry.site} ${site} of level ${level}`, 0);
    return root;
  });
  const hood = buildNeighbourhood(sitePlaces(roots, entry, rig));
  const arrays = readAttributes(reader, entry, hood);
  reader.end();
  return { unit, level, first, sites, ...arrays };
}

/** The vertex, joint or level-0 face that `site` is or is within; null if it is not there. */
function rootSite(
  site: number,
  level: number,
  entry: LevelEntry,
  rig: RigCore | null,
  faces: FaceIndex,
): number | null {
  if (entry.site === "face") return rig && faces.root(level, site);
  const count = entry.site === "joint" ? (rig ? rig.jointNames.length : 1) : (rig?.vertexCount ?? 0);
  return site < count ? site : null;
}

function sitePlaces(roots: Int32Array, entry: LevelEntry, rig: RigCore | null): Int32Array {
  const places = new Int32Array(3 * roots.length);
  if (!rig || entry.site === "joint") return places;
  const source = entry.site === "face" ? rig.facePlaces : rig.vertexPlaces;
  for (let i = 0; i < roots.length; i++) {
    for (let axis = 0; axis < 3; axis++) places[3 * i + axis] = source[3 * roots[i] + axis];
  }
  return places;
}

type Arrays = Omit<GaussianBlock, "unit" | "level" | "first" | "sites">;

function readAttributes(reader: FieldReader, entry: LevelEntry, hood: Neighbourhood): Arrays {
  const { grids } = entry;
  const grades = readGrades(reader, hood);
  const onSurface = entry.binding === "surface-point" && entry.site === "face";
  const places = onSurface ? [attribute([BARYCENTRIC_ONE + 1, BARYCENTRIC_ONE + 1], false)] : [];
  const { columns, blockAt } = readPart(
    reader,
    [
      ...places,
      attribute(grids.means.map(ceiling), true),
      attribute(repeat(3, ceiling(grids.logScales)), true),
      attribute(repeat(3, ceiling(grids.quats)), true),
      attribute([ceiling(grids.opacities)], false),
      attribute(repeat(COLOUR, ceiling(grids.sh0)), true, true),
    ],
    hood,
    grades,
  );
  const barycentricColumns = columns.splice(0, onSurface ? 2 : 0);
  const [x, y, z, s0, s1, s2, q0, q1, q2, opacity, ...sh0] = columns;
  return {
    barycentrics: onSurface ? readPlaces(reader, blockAt, barycentricColumns) : null,
    means: interleave([x, y, z], grids.means),
    logScales: interleave([s0, s1, s2], repeat(3, grids.logScales)),
    quats: quaternions([q0, q1, q2], grids.quats),
    opacities: interleave([opacity], [grids.opacities]).map((value) => Math.min(1, Math.max(0, value))),
    sh0: interleave(sh0, repeat(COLOUR, grids.sh0)),
    shN: readBands(reader, grids.shBands, hood, grades),
  };
}

const ceiling = (grid: Grid): number => 2 ** grid.bits;

const repeat = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value);

const attribute = (ceilings: number[], graded: boolean, colour = false): Attribute => ({
  columns: ceilings.length,
  ceilings,
  graded,
  colour,
});

function readGrades(reader: FieldReader, hood: Neighbourhood): Uint8Array | null {
  if (!reader.flag()) return null;
  const at = reader.position;
  const [grades] = readBlock(reader, [{ columns: 1, graded: false }], hood, null);
  if (grades.some((grade) => grade < 0 || grade > MAX_GRADE))
    throw reader.error("bad-field", "a grade is not 0 to 7", at);
  return Uint8Array.from(grades);
}

interface Scale {
  readonly multiplier: number;
  /** By column; 0 for differences of colours. */
  readonly centres: readonly number[];
}

/** The quantized columns of all attributes of a part, colours as (R, G, B), and where its block begins. */
function readPart(
  reader: FieldReader,
  attributes: Attribute[],
  hood: Neighbourhood,
  grades: Uint8Array | null,
): { columns: Float64Array[]; blockAt: number } {
  const scales = attributes.map((one) => readScale(reader, one));
  const at = reader.position;
  const end = reader.length() + reader.position;
  const block = readBlock(reader, attributes, hood, grades);
  if (reader.position !== end) throw reader.error("bad-column", "a block does not end where it says", at);
  const quantized: Float64Array[] = [];
  attributes.forEach((one, a) => {
    const { multiplier, centres } = scales[a];
    const own = block.splice(0, one.columns).map((column, c) => scaled(column, centres[c], multiplier));
    if (one.colour) for (let c = 0; c < own.length; c += COLOUR) toRgb(own, c);
    own.forEach((column, c) => {
      if (!isWithin(column, one.ceilings[c])) throw reader.error("bad-field", "a value is not on its grid", at);
    });
    quantized.push(...own);
  });
  return { columns: quantized, blockAt: at };
}

function scaled(values: Int32Array, centre: number, multiplier: number): Float64Array {
  const q = new Float64Array(values.length);
  for (let i = 0; i < q.length; i++) q[i] = centre + multiplier * values[i];
  return q;
}

function isWithin(values: Float64Array, ceiling: number): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] < 0 || values[i] >= ceiling) return false;
  return true;
}

function readScale(reader: FieldReader, one: Attribute): Scale {
  const at = reader.position;
  const multiplier = reader.varint();
  if (multiplier < 1 || multiplier > MAX_MULTIPLIER)
    throw reader.error("bad-field", `a multiplier of ${multiplier}`, at);
  const centres = one.ceilings.map((_, c) => (one.colour && c % COLOUR > 0 ? 0 : reader.varint()));
  if (centres.some((centre, c) => centre >= one.ceilings[c]))
    throw reader.error("bad-field", "a centre is not on its grid", at);
  return { multiplier, centres };
}

/** Columns G, R − G, B − G from `first` on become R, G, B. */
function toRgb(columns: Float64Array[], first: number): void {
  const [green, red, blue] = columns.slice(first, first + COLOUR);
  for (let i = 0; i < green.length; i++) {
    red[i] += green[i];
    blue[i] += green[i];
  }
  columns.splice(first, COLOUR, red, green, blue);
}

function readBands(
  reader: FieldReader,
  bands: readonly Grid[],
  hood: Neighbourhood,
  grades: Uint8Array | null,
): Float32Array {
  const count = hood.order.length;
  const coefficients = (bands.length + 1) ** 2 - 1;
  const values = new Float32Array(count * coefficients * COLOUR);
  let start = 0;
  bands.forEach((grid, index) => {
    const width = COLOUR * (2 * index + 3);
    const { columns } = readPart(reader, [attribute(repeat(width, ceiling(grid)), true, true)], hood, grades);
    columns.forEach((column, c) => dequantize(grid, column, values, start + c, coefficients * COLOUR));
    start += width;
  });
  return values;
}

function interleave(columns: Float64Array[], grids: readonly Grid[]): Float32Array {
  const values = new Float32Array(columns.length * columns[0].length);
  columns.forEach((column, c) => dequantize(grids[c], column, values, c, columns.length));
  return values;
}

function quaternions(columns: Float64Array[], grid: Grid): Float32Array {
  const [x, y, z] = columns.map((column) => column.map((q) => grid.offset + grid.step * q));
  const quats = new Float32Array(4 * x.length);
  for (let i = 0; i < x.length; i++) stereographicQuat(x[i], y[i], z[i], quats, 4 * i);
  return quats;
}

function readPlaces(reader: FieldReader, at: number, [q0, q1]: Float64Array[]): Float32Array {
  const values = new Float32Array(3 * q0.length);
  for (let i = 0; i < q0.length; i++) {
    if (q0[i] + q1[i] > BARYCENTRIC_ONE) throw reader.error("bad-field", "barycentric coordinates beyond one", at);
    barycentrics(q0[i], q1[i], values, 3 * i);
  }
  return values;
}

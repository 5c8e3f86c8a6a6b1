/** Hand-over unit (§6.10). */

import { readColumn } from "../compression.js";
import type { FieldReader } from "../fields.js";
import type { HandOver } from "../model.js";
import { columnWidth, dequantize, type Grid } from "../quantization.js";
import { mostExpansion } from "../registry.js";
import { isStrict, readAscending } from "../rice.js";
import type { Needed } from "./needed.js";

/** The hand-over of unit `unit`. */
export function readHandOver(reader: FieldReader, unit: number, needed: Needed): HandOver {
  const levelAt = reader.position;
  const level = reader.u8();
  const entry = needed.levels().levels[level];
  if (!entry) throw reader.error("bad-field", `no level ${level}`, levelAt);
  const successors = readSuccessors(reader, unit);
  const countAt = reader.position;
  const count = reader.count("a unit's Gaussian count", reader.limits.gaussiansPerUnit, 1);
  if (count > mostExpansion(reader.payloadBytes))
    throw reader.error("bad-field", `${count} Gaussians in this payload`, countAt);
  const listAt = reader.position;
  const gaussians = readAscending(reader, count);
  if (!isStrict(gaussians)) throw reader.error("bad-field", "a Gaussian is named twice", listAt);
  const second = reader.flag();
  const { opacities, logScales } = entry.grids;
  const secondOpacities = second ? readValues(reader, opacities, count, 1) : null;
  const secondScales = second ? readValues(reader, logScales, count, 3) : null;
  const own = needed.gaussians().filter((block) => block.level === level);
  own.sort((a, b) => a.first - b.first);
  let at = 0;
  for (const index of gaussians) {
    while (at < own.length && own[at].first + own[at].sites.length <= index) at++;
    if (at === own.length || index < own[at].first) {
      throw reader.error("index-out-of-range", `Gaussian ${index} is not of a needed unit of level ${level}`, 0);
    }
  }
  reader.end();
  return {
    unit,
    level,
    successors,
    gaussians,
    opacities: secondOpacities && secondOpacities.map((value) => Math.min(1, Math.max(0, value))),
    logScales: secondScales,
  };
}

function readSuccessors(reader: FieldReader, unit: number): number[] {
  const at = reader.position;
  const count = reader.count("the successor count", reader.limits.needs);
  const successors: number[] = [];
  for (let i = 0; i < count; i++) successors.push(reader.varint());
  const ascend = successors.every((successor, i) => successor > (i > 0 ? successors[i - 1] : unit));
  if (count === 0 || !ascend || successors[count - 1] >= 2 ** 32)
    throw reader.error("bad-needs", "successors that are not later units, ascending", at);
  return successors;
}

function readValues(reader: FieldReader, grid: Grid, count: number, columns: number): Float32Array {
  const values = new Float32Array(columns * count);
  for (let c = 0; c < columns; c++) {
    const at = reader.position;
    const column = readColumn(reader, count, columnWidth(grid));
    if (column.some((q) => q >= 2 ** grid.bits)) throw reader.error("bad-field", "a value is not on its grid", at);
    dequantize(grid, column, values, c, columns);
  }
  return values;
}

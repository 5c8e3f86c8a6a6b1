/** Hand-over unit (FORMAT.md, section 6.10). */

import { readColumn } from "../compression.js";
import type { FieldReader } from "../fields.js";
import type { GaussianBlock, HandOver, LevelTable } from "../model.js";
import { columnWidth, dequantize, type Grid } from "../quantization.js";
import { readAscending } from "../rice.js";

/** `needed` are the Gaussians blocks among the unit's needs. */
export function readHandOver(
  reader: FieldReader,
  unit: number,
  table: LevelTable,
  needed: readonly GaussianBlock[],
): HandOver {
  const levelAt = reader.position;
  const level = reader.u8();
  const entry = table.levels[level];
  if (!entry) throw reader.error("index-out-of-range", `no level ${level}`, levelAt);
  const successors = readSuccessors(reader, unit);
  const countAt = reader.position;
  const count = reader.count("a unit's Gaussian count", reader.limits.gaussians, 1);
  if (count > 64 + 4 * reader.payloadBytes) throw reader.error("bad-field", `${count} Gaussians in this payload`, countAt);
  const listAt = reader.position;
  const gaussians = readAscending(reader, count, true);
  const own = needed.filter((block) => block.level === level);
  for (const index of gaussians) {
    if (!own.some((block) => block.first <= index && index < block.first + block.sites.length)) {
      throw reader.error("index-out-of-range", `Gaussian ${index} is not of a needed unit of level ${level}`, listAt);
    }
  }
  const second = reader.flag();
  const { opacities, logScales } = entry.grids;
  const secondOpacities = second ? readValues(reader, opacities, count, 1) : null;
  const secondScales = second ? readValues(reader, logScales, count, 3) : null;
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
  const count = reader.count("the successor count", reader.limits.needs, 1);
  let last = unit;
  return Array.from({ length: count }, () => {
    const at = reader.position;
    const successor = reader.varint();
    if (successor <= last) throw reader.error("bad-field", `unit ${successor} after unit ${last}`, at);
    return (last = successor);
  });
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

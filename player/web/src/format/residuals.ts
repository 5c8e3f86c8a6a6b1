/** Blocks: columns of small integers, predicted from neighbours and Rice coded (§5.4). */

import { readSignedColumn } from "./compression.js";
import type { FieldReader } from "./fields.js";
import { NEIGHBOURS, type Neighbourhood } from "./neighbourhood.js";
import { BitReader, readQuotients, unzigzag } from "./rice.js";

/** A group of columns that share a model. */
export interface BlockAttribute {
  readonly columns: number;
  /** Whether its values are multiples of 2^grade. */
  readonly graded: boolean;
}

interface Model {
  readonly k0: number;
  readonly predicted: boolean;
  readonly scale: number;
  readonly floor: number;
}

const FORM_COLUMNS = 0;
const FORM_RICE_ROWS = 2;
const MAX_FLOOR = 2 ** 22;
const MAX_MAGNITUDE = 2 ** 16;
const MAX_K = 15;

/**
 * Reads a block: the columns of every attribute in turn, each (n) in the order of the unit.
 * `grades` is (n), each 0..7, or null where all are 0.
 */
export function readBlock(
  reader: FieldReader,
  attributes: readonly BlockAttribute[],
  hood: Neighbourhood,
  grades: Uint8Array | null,
): Int32Array[] {
  const at = reader.position;
  const form = reader.u8();
  if (form > FORM_RICE_ROWS) throw reader.error("bad-field", `a block of form ${form}`, at);
  const columns =
    form === FORM_COLUMNS ? readPlain(reader, attributes, hood) : readRice(reader, at, form, attributes, hood, grades);
  for (const column of columns) {
    for (let i = 0; i < column.length; i++) {
      if (Math.abs(column[i]) >= MAX_MAGNITUDE)
        throw reader.error("bad-column", "a value of a block is 2^16 or more", at);
    }
  }
  return columns;
}

const columnCount = (attributes: readonly BlockAttribute[]): number =>
  attributes.reduce((sum, attribute) => sum + attribute.columns, 0);

function readPlain(reader: FieldReader, attributes: readonly BlockAttribute[], hood: Neighbourhood): Int32Array[] {
  return Array.from({ length: columnCount(attributes) }, () => readSignedColumn(reader, hood.order.length));
}

function readModel(reader: FieldReader): Model {
  const at = reader.position;
  const head = reader.u8();
  if (head > 31) throw reader.error("bad-field", `a model begins with ${head}`, at);
  const predicted = head >= 16;
  const scale = predicted ? reader.u8() : 0;
  const floorAt = reader.position;
  const floor = predicted ? reader.varint() : 0;
  if (floor > MAX_FLOOR) throw reader.error("bad-field", `a model's floor is ${floor}`, floorAt);
  return { k0: head & 15, predicted, scale, floor };
}

function readRice(
  reader: FieldReader,
  blockAt: number,
  form: number,
  attributes: readonly BlockAttribute[],
  hood: Neighbourhood,
  grades: Uint8Array | null,
): Int32Array[] {
  const count = hood.order.length;
  const width = columnCount(attributes);
  const models = attributes.map(() => readModel(reader));
  const quotientLength = reader.length();
  const remainderLength = reader.length();
  const rows = form === FORM_RICE_ROWS ? readRows(reader, count) : null;
  const codes = (rows ? rows.reduce((sum, row) => sum + row, 0) : count) * width;
  const quotientsAt = reader.position;
  const quotientBytes = reader.take(quotientLength);
  const remainders = new BitReader(reader.take(remainderLength));
  const quotients = readQuotients(quotientBytes, codes);
  if (!quotients) throw reader.error("bad-column", `not the quotients of ${codes} values`, quotientsAt);
  const columns = Array.from({ length: width }, () => new Int32Array(count));
  new TurnDecoder(attributes, models, hood, grades, columns, quotients, remainders).run(rows);
  if (!remainders.isSpent) throw reader.error("bad-column", "the remainders do not fill their section", blockAt);
  return columns;
}

/** (n) 1 for each turn that has codes. */
function readRows(reader: FieldReader, count: number): Uint8Array {
  const at = reader.position;
  const bits = new BitReader(reader.take(Math.ceil(count / 8)));
  const rows = new Uint8Array(count);
  for (let i = 0; i < count; i++) rows[i] = bits.read(1);
  if (!bits.isSpent) throw reader.error("bad-field", "the bits after the rows are not zero", at);
  return rows;
}

/** Turns codes into values, turn by turn: every prediction uses values of earlier passes only. */
class TurnDecoder {
  private next = 0;

  constructor(
    private readonly attributes: readonly BlockAttribute[],
    private readonly models: readonly Model[],
    private readonly hood: Neighbourhood,
    private readonly grades: Uint8Array | null,
    private readonly columns: readonly Int32Array[],
    private readonly quotients: Uint32Array,
    private readonly remainders: BitReader,
  ) {}

  run(rows: Uint8Array | null): void {
    const { hood, attributes } = this;
    for (let turn = 0; turn < hood.order.length; turn++) {
      const gaussian = hood.order[turn];
      const coded = rows === null || rows[turn] === 1;
      let first = 0;
      for (let a = 0; a < attributes.length; a++) {
        const { columns, graded } = attributes[a];
        const grade = graded && this.grades ? this.grades[gaussian] : 0;
        const predicted = this.models[a].predicted && turn >= hood.firstPass;
        for (let c = first; c < first + columns; c++) {
          if (predicted) this.predictedValue(this.columns[c], turn, gaussian, this.models[a], grade, coded);
          else this.plainValue(this.columns[c], gaussian, this.models[a], grade, coded);
        }
        first += columns;
      }
    }
  }

  private residual(k: number): number {
    return unzigzag(this.quotients[this.next++] * 2 ** k + this.remainders.read(k));
  }

  private plainValue(column: Int32Array, gaussian: number, model: Model, grade: number, coded: boolean): void {
    const residual = coded ? this.residual(Math.max(0, model.k0 - grade)) : 0;
    column[gaussian] = clamped(residual * 2 ** grade);
  }

  private predictedValue(
    column: Int32Array,
    turn: number,
    gaussian: number,
    model: Model,
    grade: number,
    coded: boolean,
  ): void {
    const { neighbours, weights, weightSums } = this.hood;
    const start = NEIGHBOURS * turn;
    const total = weightSums[turn];
    let sum = 0;
    for (let j = start; j < start + NEIGHBOURS; j++) sum += weights[j] * column[neighbours[j]];
    const mean = Math.floor((2 * sum + total) / (2 * total));
    let residual = 0;
    if (coded) {
      let deviation = 0;
      for (let j = start; j < start + NEIGHBOURS; j++) deviation += weights[j] * Math.abs(column[neighbours[j]] - mean);
      const spread = Math.floor((8 * deviation) / total);
      const bits = bitLength(Math.floor((model.scale * spread + model.floor) / 32));
      residual = this.residual(Math.min(MAX_K, Math.max(0, bits - grade)));
    }
    const step = 2 ** grade;
    column[gaussian] = clamped(step * (Math.floor((mean + Math.floor(step / 2)) / step) + residual));
  }
}

const bitLength = (value: number): number => 32 - Math.clz32(value);

/** Keeps a value that is out of range out of range, and small enough for all sums that follow. */
const clamped = (value: number): number => Math.max(-MAX_MAGNITUDE, Math.min(MAX_MAGNITUDE, value));

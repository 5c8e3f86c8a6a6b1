/** The files that tests read, and ways to break them. */

import { readFileSync } from "node:fs";
import { crc32 } from "../dist/format/checksum.js";

const WEB = new URL("../", import.meta.url);

export const TOYS = ["face", "surface", "mixed", "static", "hand-over"] as const;
export const FILE_HEADER = 52;
export const UNIT_HEADER = 20;

/** A pose, and where the Gaussians of a vector are then: spec/vectors/rendered. */
export interface Shot {
  vector: string;
  pose: {
    weights: Record<string, number>;
    rotations: Record<string, [number, number, number]>;
    translation: [number, number, number];
  };
  gaussians: Partial<Record<"means" | "quats" | "scales" | "sh_quats", number[][]>> | null;
  tolerances: { posed: number };
}

const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, WEB)));

export const vector = (name: string): Uint8Array => readBytes(`../../spec/vectors/${name}.pav`);
export const toy = (name: string): Uint8Array => vector(`valid/${name}`);
export const demoAvatar = (): Uint8Array => readBytes("../pavplayer/demo/avatar.pav");
export const shots = (): [string, Shot][] =>
  (readJson("../../spec/vectors/index.json") as { pictures: string[] }).pictures.map((name) => [
    name,
    readJson(`../../spec/vectors/rendered/${name}.json`) as Shot,
  ]);

function readJson(path: string): unknown {
  return JSON.parse(new TextDecoder().decode(readBytes(path)));
}

/** A unit as it stands in a file: [start, end) with its header. */
export interface Span {
  readonly id: number;
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

export function spans(data: Uint8Array): Span[] {
  const view = new DataView(data.buffer, data.byteOffset);
  const found: Span[] = [];
  for (let start = FILE_HEADER; start < data.length; start = found.at(-1)!.end) {
    const end = start + UNIT_HEADER + view.getUint32(start + 8, true);
    found.push({ id: view.getUint32(start + 4, true), type: view.getUint16(start, true), start, end });
  }
  return found;
}

/** A unit with right checksums. */
export function makeUnit(type: number, id: number, payload: ArrayLike<number>, flags = 0, reserved = 0): Uint8Array {
  const unit = new Uint8Array(UNIT_HEADER + payload.length);
  const view = new DataView(unit.buffer);
  unit.set(payload, UNIT_HEADER);
  view.setUint16(0, type, true);
  unit[2] = flags;
  unit[3] = reserved;
  view.setUint32(4, id, true);
  view.setUint32(8, payload.length, true);
  sealUnit(unit, 0, unit.length);
  return unit;
}

/** Makes the checksums of the unit in [start, end) right. */
export function sealUnit(data: Uint8Array, start: number, end: number): void {
  const view = new DataView(data.buffer, data.byteOffset);
  view.setUint32(start + 12, crc32(data.subarray(start + UNIT_HEADER, end)), true);
  view.setUint32(start + 16, crc32(data.subarray(start, start + 16)), true);
}

/** A copy with `byte` at `offset`, inside a payload, and right checksums. */
export function withPayloadByte(data: Uint8Array, offset: number, byte: number): Uint8Array {
  const changed = data.slice();
  changed[offset] = byte;
  const { start, end } = spans(data).find((span) => span.start <= offset && offset < span.end)!;
  sealUnit(changed, start, end);
  return changed;
}

/** A copy with a field of the file header changed and its checksum right. */
export function withHeader(data: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const changed = data.slice();
  const view = new DataView(changed.buffer);
  change(view);
  view.setUint32(48, crc32(changed.subarray(0, 48)), true);
  return changed;
}

export function join(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Numbers in 0..below − 1, the same on every run. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed + 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

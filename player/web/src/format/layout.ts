/** The two structures of fixed size: file header and unit header (§3 and §4). */

import { crc32 } from "./checksum.js";
import { pavError } from "./errors.js";
import { CriticalFeature, MAJOR_VERSION, MINOR_VERSION, SIGNATURE, type Limits } from "./registry.js";

export const FILE_HEADER_BYTES = 52;
export const UNIT_HEADER_BYTES = 20;

/** The first 52 bytes. All totals are of the complete avatar. */
export interface FileHeader {
  readonly major: number;
  readonly minor: number;
  readonly criticalFeatures: number;
  readonly ancillaryFeatures: number;
  readonly unitCount: number;
  readonly fileBytes: number;
  readonly gaussianBytes: number;
  readonly gaussianCount: number;
  readonly levelCount: number;
  readonly shDegree: number;
}

/** Checks and reads a file header of exactly 52 bytes. */
export function readFileHeader(bytes: Uint8Array, limits: Limits): FileHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw pavError("bad-signature", "not a .pav file", 0);
  const header: FileHeader = {
    major: view.getUint16(8, true),
    minor: view.getUint16(10, true),
    criticalFeatures: view.getUint32(12, true),
    ancillaryFeatures: view.getUint32(16, true),
    unitCount: view.getUint32(20, true),
    fileBytes: Number(view.getBigUint64(24, true)),
    gaussianBytes: Number(view.getBigUint64(32, true)),
    gaussianCount: view.getUint32(40, true),
    levelCount: view.getUint8(44),
    shDegree: view.getUint8(45),
  };
  if (header.major !== MAJOR_VERSION || header.minor < MINOR_VERSION) {
    throw pavError("unsupported-version", `version ${header.major}.${header.minor}`, 8);
  }
  if (crc32(bytes.subarray(0, 48)) !== view.getUint32(48, true)) {
    throw pavError("file-header-damaged", "the file header's checksum does not match", 48);
  }
  const unknown = (header.criticalFeatures & ~CriticalFeature.handOver) >>> 0;
  if (unknown !== 0) throw pavError("unsupported-feature", `unknown critical features ${unknown}`, 12);
  if (view.getUint16(46, true) !== 0) throw pavError("file-header-reserved", "a reserved field is not 0", 46);
  checkTotal("units", header.unitCount, limits.units, 20);
  checkTotal("Gaussians", header.gaussianCount, limits.gaussians, 40);
  checkTotal("levels", header.levelCount, limits.levels, 44);
  return header;
}

function checkTotal(what: string, count: number, limit: number, offset: number): void {
  if (count > limit) throw pavError("limit-exceeded", `${count} ${what}, over ${limit}`, offset);
}

/** The 20 bytes before a payload. */
export interface UnitHeader {
  readonly type: number;
  readonly isCritical: boolean;
  readonly id: number;
  readonly length: number;
  readonly payloadChecksum: number;
}

/** What makes a unit header unusable; `at` is the place of the fault in the header. */
export interface HeaderFault {
  readonly code: "unit-header-damaged" | "unit-header-reserved";
  readonly at: number;
}

/** Reads 20 bytes; a fault where they cannot be trusted. */
export function readUnitHeader(bytes: Uint8Array): UnitHeader | HeaderFault {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (crc32(bytes.subarray(0, 16)) !== view.getUint32(16, true)) return { code: "unit-header-damaged", at: 0 };
  const flags = view.getUint8(2);
  if (flags > 1 || view.getUint8(3) !== 0) return { code: "unit-header-reserved", at: 2 };
  return {
    type: view.getUint16(0, true),
    isCritical: flags === 1,
    id: view.getUint32(4, true),
    length: view.getUint32(8, true),
    payloadChecksum: view.getUint32(12, true),
  };
}

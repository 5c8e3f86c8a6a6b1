/** Error codes, shared with FORMAT.md section 11, spec/registry.json and every other reader. */

/** `fatal` ends decoding; `damage` costs one unit and those that need it. */
export type Severity = "fatal" | "damage";

/** Every code a decoder can report, with its severity. */
export const SEVERITIES = {
  "bad-signature": "fatal",
  "unsupported-version": "fatal",
  "unsupported-feature": "fatal",
  "unsupported-unit": "fatal",
  "file-header-damaged": "fatal",
  "file-header-reserved": "fatal",
  "critical-unit-damaged": "fatal",
  "limit-exceeded": "fatal",
  "rig-mismatch": "fatal",
  "unit-header-damaged": "damage",
  "unit-payload-damaged": "damage",
  "unit-header-reserved": "damage",
  "wrong-criticality": "damage",
  "duplicate-unit": "damage",
  "bad-needs": "damage",
  "short-payload": "damage",
  "long-payload": "damage",
  "bad-field": "damage",
  "bad-string": "damage",
  "bad-column": "damage",
  "index-out-of-range": "damage",
  "overlapping-range": "fatal",
} as const satisfies Record<string, Severity>;

export type ErrorCode = keyof typeof SEVERITIES;

/** Anything wrong with the bytes. `offset` is that of the field at fault, in the file. */
export class PavError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly offset: number,
  ) {
    super(`${code} at byte ${offset}: ${message}`);
    this.name = new.target.name;
  }
}

/** The bytes break a rule: fix the file. */
export class FormatError extends PavError {}

/** The bytes may be right, but need a newer reader. */
export class UnsupportedError extends PavError {}

/** The file asks for more than the limits in force. */
export class LimitError extends PavError {}

/** The error of the class that `code` calls for. */
export function pavError(code: ErrorCode, message: string, offset: number): PavError {
  if (code === "limit-exceeded") return new LimitError(code, message, offset);
  if (code.startsWith("unsupported-")) return new UnsupportedError(code, message, offset);
  return new FormatError(code, message, offset);
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, sha256 } from "../dist/format/checksum.js";
import { FORMAT_LIMITS, SEVERITIES } from "../dist/format/index.js";
import * as ids from "../dist/format/registry.js";
import { registry } from "./files.js";

const camel = (name: string): string => name.replace(/[-_](.)/g, (_, letter: string) => letter.toUpperCase());
const camelKeys = (table: object): object =>
  Object.fromEntries(Object.entries(table).map(([key, value]) => [camel(key), value]));
const names = (table: object): string[] => Object.keys(table);

test("ids, limits and error codes are those of the registry", () => {
  const { unit_types, critical_unit_types, critical_features, limits, errors, ...rest } = registry() as Record<
    string,
    object
  >;
  assert.deepEqual(ids.UnitType, camelKeys(unit_types));
  for (const [name, type] of Object.entries(unit_types) as [string, number][]) {
    assert.equal(ids.unitTypeName(type), name);
    assert.equal(ids.isCriticalType(type), (critical_unit_types as number[]).includes(type), name);
  }
  assert.deepEqual(critical_features, { "hand-over": ids.CRITICAL_FEATURE_HAND_OVER });
  assert.deepEqual(FORMAT_LIMITS, camelKeys(limits));
  assert.deepEqual([ids.MAJOR_VERSION, ids.MINOR_VERSION], rest["format_version"]);
  assert.equal(Buffer.from(ids.SIGNATURE).toString("hex"), rest["signature_hex"]);
  assert.deepEqual(ids.RIG_SOURCES, names(rest["rig_sources"]));
  assert.deepEqual(ids.BINDINGS, names(rest["bindings"]));
  assert.deepEqual(ids.SITES, names(rest["sites"]));
  assert.deepEqual(ids.SH_FRAMES, names(rest["sh_frames"]));
  const severities = Object.entries(errors).map(([code, { severity }]: [string, { severity: string }]) => [
    code,
    severity,
  ]);
  assert.deepEqual(SEVERITIES, Object.fromEntries(severities));
});

test("checksums of known messages", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  assert.equal(crc32(bytes("123456789")), 0xcbf43926);
  assert.equal(sha256(bytes("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(sha256(bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.equal(
    sha256(bytes("a".repeat(1_000_000))),
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, sha256 } from "../dist/format/checksum.js";

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

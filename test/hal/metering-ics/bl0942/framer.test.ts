import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packetFramer, registerFramer } from "../../../../hal/metering-ics/bl0942/framer.ts";
import { bytesOf, hexOf } from "../../../support/scripted-uart.ts";
import { CAPTURED, COMPUTED } from "../../../vectors/bl0942/packets.ts";

const packets = [...CAPTURED, ...COMPUTED].map(({ hex }) => bytesOf(hex));
const packet = fc.constantFrom(...packets);

/** Cuts bytes into chunks of the given sizes, in turn. */
function chunks(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const cut: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    cut.push(bytes.slice(at, at + size));
    at += size;
  }
  return cut;
}

describe("the BL0942 driver's framer", () => {
  test("packets back to back, cut in any way, all come out and none is invented", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(packet, { minLength: 1, maxLength: 8 }), sizes, (sent, cuts) => {
        const framer = packetFramer(0);
        const line = Uint8Array.from(sent.flatMap((bytes) => [...bytes]));
        const found = chunks(line, cuts).flatMap((chunk) => framer.push(chunk));
        expect(found.map(hexOf)).toEqual(sent.map(hexOf));
      }),
      { seed: 942, numRuns: 300 },
    );
  });

  test("a packet with any one bit wrong is not taken, and the good one right behind it always is", () => {
    for (const first of packets) {
      for (const second of packets) {
        for (let bit = 0; bit < 23 * 8; bit++) {
          const damaged = first.slice();
          damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
          const found = packetFramer(0).push(Uint8Array.of(...damaged, ...second));
          if (found.length !== 1 || hexOf(found[0] as Uint8Array) !== hexOf(second))
            throw new Error(`bit ${bit} of ${hexOf(first)} before ${hexOf(second)}: ${found.map(hexOf)}`);
        }
      }
    }
  });

  test("a packet torn off after any byte does not cost the next one", () => {
    for (let kept = 0; kept < 23; kept++) {
      const [torn, whole] = [packets[0] as Uint8Array, packets[3] as Uint8Array];
      const found = packetFramer(0).push(Uint8Array.of(...torn.subarray(0, kept), ...whole));
      expect(found.map(hexOf)).toEqual([hexOf(whole)]);
    }
  });

  test("a packet of the part at another address is not taken", () => {
    expect(packetFramer(1).push(packets[0] as Uint8Array)).toEqual([]);
  });

  test("a register's answer is checked against its request", () => {
    expect(registerFramer(0, 0x19).push(bytesOf("8F 00 00 FF"))).toHaveLength(1);
    expect(registerFramer(0, 0x14).push(bytesOf("8F 00 00 FF"))).toEqual([]);
  });
});

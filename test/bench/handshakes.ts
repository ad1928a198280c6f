import { type Credential, EdhocInitiator, EdhocResponder } from "meterbench/firmware";
import type { CryptoEngine } from "meterbench/hal";
import { systemRandom } from "meterbench/hal/node";
import { HEAD_END, METER } from "./parties.ts";

const MEASURE_MS = 1000;

/** Whole handshakes a second in one process, both sides' mathematics: method 3, suite 2, keys for OSCORE at the end. */
export function handshakesPerSecond(crypto: CryptoEngine): number {
  for (let i = 0; i < 5; i++) handshake(crypto);
  const start = performance.now();
  let handshakes = 0;
  for (; performance.now() - start < MEASURE_MS; handshakes++) handshake(crypto);
  return handshakes / ((performance.now() - start) / 1000);
}

function handshake(crypto: CryptoEngine): void {
  const initiator = new EdhocInitiator<Credential>({
    crypto,
    random: systemRandom,
    identity: HEAD_END,
    resolve: () => [METER.credential],
    method: 3,
    suites: [2],
    connectionId: Uint8Array.of(1),
  });
  const responder = new EdhocResponder<Credential>({
    crypto,
    random: systemRandom,
    identity: METER,
    resolve: () => [HEAD_END.credential],
    suites: [2],
    methods: [3],
    chooseConnectionId: () => Uint8Array.of(2),
  });
  const first = responder.receiveMessage1(initiator.message1());
  if ("error" in first) throw new Error(first.reason);
  const second = initiator.receiveMessage2(first.message2);
  if ("failed" in second) throw new Error(second.failed);
  const third = responder.receiveMessage3(second.message3);
  if ("error" in third) throw new Error(third.reason);
  initiator.exportOscore();
  responder.exportOscore();
}

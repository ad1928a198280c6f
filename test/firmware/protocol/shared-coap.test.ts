// Two who ask over one link: a client of sessions, and whoever shares its CoAP.
import { expect, test } from "vitest";
import type { OtherAsker } from "../../../firmware/protocol/asking-requests.ts";
import { fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import type { ClientSideEvent } from "../../../firmware/protocol/coap/client.ts";
import { decodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { CODE, codeKind, OPTION } from "../../../firmware/protocol/coap/message.ts";
import { LINE } from "../../../hal/ports/link.ts";
import { securedLine } from "../../support/secured-line.ts";

const CORE = [".well-known", "core"].map((text) => ({ number: OPTION.uriPath, value: fromText(text) }));
const LINKS = { code: CODE.get, options: CORE, payload: new Uint8Array(0) };

/** Asks for links, and keeps what came of it; whatever is due has been done when it is asked for. */
function otherAsker() {
  const events: ClientSideEvent[] = [];
  const woken: number[] = [];
  let wakeAtMs = Number.POSITIVE_INFINITY;
  const other: OtherAsker = {
    take: (_, event) => events.push(event),
    wake: (nowMs) => {
      if (nowMs < wakeAtMs) return;
      woken.push(nowMs);
      wakeAtMs = Number.POSITIVE_INFINITY;
    },
    nextWakeMs: () => wakeAtMs,
  };
  const wakeAt = (ms: number) => {
    wakeAtMs = ms;
  };
  return { other, events, woken, wakeAt };
}

test("both get their own answers, by tokens and Message IDs that do not meet", () => {
  const tokens: string[] = [];
  const ids = new Set<number>();
  const { share, askFor, askLater, clock, clientEvents } = securedLine({
    tap: (datagram, from) => {
      const message = decodeMessage(datagram);
      if ("error" in message || from === "meter" || codeKind(message.code) !== "request") return;
      if (!ids.has(message.messageId)) tokens.push(toHex(message.token));
      ids.add(message.messageId);
    },
  });
  const { other, events } = otherAsker();
  const { coap, run } = share(other);
  expect(askFor(LINKS)).toMatchObject({ kind: "answer" });
  askLater(Uint8Array.of(0x81, 0x00));
  const request = coap.request(clock.monotonicMs(), LINE, LINKS, { untilMs: clock.monotonicMs() + 8000 });
  run();
  clock.advanceBy(2000);
  const own = events.filter((event) => event.request === request);
  expect(own.map(({ kind }) => kind)).toEqual(["answer", "ended"]);
  expect(own[0]).toMatchObject({ message: { code: CODE.content } });
  expect(clientEvents.map(({ kind }) => kind)).toEqual(["answer", "answer"]);
  expect(new Set(tokens).size).toBe(tokens.length);
});

test("a second asker is woken when it wants to be, though nothing is sent or comes", () => {
  const { share, clock } = securedLine();
  const { other, woken, wakeAt } = otherAsker();
  const { run } = share(other);
  wakeAt(1500);
  run();
  clock.advanceBy(1499);
  expect(woken).toEqual([]);
  clock.advanceBy(1);
  expect(woken).toEqual([1500]);
});

test("answers to the client do not come to the second asker", () => {
  const { share, askFor } = securedLine();
  const { other, events } = otherAsker();
  share(other);
  expect(askFor(LINKS)).toMatchObject({ kind: "answer" });
  expect(events.filter(({ kind }) => kind === "answer")).toEqual([]);
});

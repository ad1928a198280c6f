// RS-485 with many meters: one master, one exchange at a time.
import { describe, expect, test } from "vitest";
import { TrustList } from "../../../firmware/identity/trust.ts";
import type { ClientEvent } from "../../../firmware/protocol/asks.ts";
import { fromText } from "../../../firmware/protocol/bytes.ts";
import { decodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import {
  CODE,
  type CoapMessage,
  codeKind,
  resourceRequest,
} from "../../../firmware/protocol/coap/message.ts";
import { hostOf } from "../../../firmware/protocol/coap/selection.ts";
import { SecureClient } from "../../../firmware/protocol/secure-client.ts";
import { FaultyLink } from "../../../hal/emulated/faulty-link.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { BabblingUart } from "../../../hal/modems/rs485/babbling.ts";
import { Rs485Link, silenceMs } from "../../../hal/modems/rs485/driver.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { LINE } from "../../../hal/ports/link.ts";
import { BUS_9600, type SharedLineOptions, sharedLine } from "../../support/shared-line.ts";

const CHARACTER_MS = 10_000 / 9600;
const MINUTE_MS = 60_000;

/** A head-end as the master of the line, and somebody who listens to all that is said on it. */
function readLine(options: SharedLineOptions) {
  const line = sharedLine(options);
  const { clock, bus, random, headEnd, meters, master } = line;
  const client = new SecureClient({
    crypto: opensslEngine,
    ...{ random: random.fork("head-end"), traits: master.traits, identity: headEnd },
    trust: new TrustList(meters.map(({ credential }) => credential)),
  });
  const events: ClientEvent[] = [];
  const drive = line.drive(client, (event) => events.push(event));
  const heard: CoapMessage[] = [];
  let bytes = 0;
  bus.node().listen({ bytes: (chunk) => (bytes += chunk.length) });
  new Rs485Link(bus.node(), clock).listen({
    datagram(_, datagram) {
      const message = decodeMessage(datagram);
      if (!("error" in message)) heard.push(message);
    },
  });
  const ids = meters.map(({ credential }) => credential.id);
  const ask = (id: string, withinMs = MINUTE_MS, body = fromText(id)): number => {
    const content = resourceRequest(CODE.fetch, "r", body);
    const nowMs = clock.monotonicMs();
    const asked = client.ask(nowMs, { to: LINE, host: id, expect: id, content, untilMs: nowMs + withinMs });
    drive.run();
    if (asked === undefined) throw new Error("too many asks");
    return asked;
  };
  /** Asks all of these at once, and gives what each answered and how long that took together. */
  const readAll = (of: readonly string[] = ids, withinMs = MINUTE_MS) => {
    const startMs = clock.monotonicMs();
    const asked = of.map((id) => ask(id, withinMs));
    const outcome = (id: number): ClientEvent | undefined => events.find((event) => event.ask === id);
    clock.runUntil(() => asked.every((id) => outcome(id) !== undefined), withinMs + 1000);
    const answers = asked.map((id) => {
      const event = outcome(id);
      return event?.kind === "answer" ? event.peer.id : event?.kind === "failed" ? event.reason : undefined;
    });
    return { answers, tookMs: clock.monotonicMs() - startMs };
  };
  const said = () => ({ bytes, frames: heard.length });
  return { ...line, client, events, heard, ids, ask, readAll, said };
}

describe("meters on a shared line", () => {
  test("32 of them are read in turn within 1.10 of the line's own time", () => {
    const line = readLine({ meters: 32 });
    expect(line.readAll().answers).toEqual(line.ids);
    const before = line.said();
    const { answers, tookMs } = line.readAll();
    expect(answers).toEqual(line.ids);
    const bytes = line.said().bytes - before.bytes;
    const frames = line.said().frames - before.frames;
    expect(frames).toBe(64);
    const ownMs = bytes * CHARACTER_MS + frames * silenceMs(BUS_9600);
    expect(tookMs / ownMs).toBeLessThan(1.1);
    expect(line.bus.counters).toMatchObject({ collisions: 0, hurried: 0, framingErrors: 0 });
  });

  test("say nothing but their own answers, however much they hear of others", () => {
    const line = readLine({ meters: 5 });
    for (let i = 0; i < 20; i++) line.readAll(["M2", "M4"]);
    expect(line.ids.map((id) => (line.links.get(id)?.counters.sentDatagrams ?? 0) > 0)).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
    expect(line.links.get("M1")?.counters.receivedDatagrams).toBe(line.heard.length);
    const requests = line.heard.filter(({ code }) => codeKind(code) === "request");
    const answers = line.heard.filter(({ code }) => codeKind(code) === "response");
    expect(answers).toHaveLength(requests.length);
    expect(answers.every(({ type }) => type === "ACK")).toBe(true);
    expect(line.heard).toHaveLength(2 * requests.length);
  });

  test("are asked one after the other, each by its name and with a token of two bytes that counts", () => {
    const line = readLine({ meters: 4 });
    line.readAll();
    line.readAll();
    for (const [i, message] of line.heard.entries()) {
      const isRequest = i % 2 === 0;
      expect(codeKind(message.code)).toBe(isRequest ? "request" : "response");
      if (!isRequest) expect(message.token).toEqual(line.heard[i - 1]?.token);
      else expect(line.ids).toContain(hostOf(message));
    }
    const tokens = line.heard
      .filter((_, i) => i % 2 === 0)
      .map(({ token }) => ((token[0] ?? 0) << 8) | (token[1] ?? 0));
    for (let i = 1; i < tokens.length; i++) expect(tokens[i]).toBe(((tokens[i - 1] ?? 0) + 1) & 0xffff);
  });

  test("one that is dead costs the others only its windows", () => {
    const line = readLine({
      meters: 4,
      wrap: (link, name, clock) =>
        name === "M2" ? new FaultyLink(link, clock, new SeededRandom(1), { lose: 1 }) : link,
    });
    line.readAll(["M1", "M3", "M4"]);
    const { answers } = line.readAll(line.ids, 5000);
    expect(answers).toEqual(["M1", "timeout", "M3", "M4"]);
    expect(line.client.line.stationRecords).toContainEqual({
      host: "M2",
      unasked: 0,
      unanswered: expect.any(Number),
    });
    const answerTimes = line.events.flatMap((event) => (event.kind === "answer" ? [event.ask] : []));
    expect(answerTimes).toHaveLength(6);
  });

  test("are all read at a loss of 10 % each way", () => {
    const line = readLine({
      meters: 32,
      wrap: (link, name, clock) => new FaultyLink(link, clock, new SeededRandom(name), { lose: 0.1 }),
    });
    expect(line.readAll(line.ids, 3 * MINUTE_MS).answers).toEqual(line.ids);
    const again = line.readAll(line.ids, 3 * MINUTE_MS);
    expect(again.answers).toEqual(line.ids);
    expect(line.client.line.stationRecords.filter(({ unasked }) => unasked > 0)).toEqual([]);
    expect(line.bus.counters).toMatchObject({ collisions: 0, hurried: 0 });
  });

  test("one that talks without being asked is named, and the others are still read", () => {
    let babbling: BabblingUart | undefined;
    const line = readLine({
      meters: 16,
      adapter(id, uart, clock) {
        if (id !== "M7") return uart;
        babbling = new BabblingUart(uart, clock, { random: new SeededRandom("babble"), pauseMs: 500 });
        return babbling;
      },
    });
    const others = line.ids.filter((id) => id !== "M7");
    expect(line.readAll(line.ids, 3 * MINUTE_MS).answers).toEqual(line.ids);
    expect(line.readAll(others, 3 * MINUTE_MS).answers).toEqual(others);
    line.clock.advanceBy(20_000);
    expect(babbling?.outbursts).toBeGreaterThan(20);
    const records = line.client.line.stationRecords;
    const named = records.filter(({ unasked, host }) => unasked > 0 && host !== undefined);
    expect(named).toEqual([{ host: "M7", unasked: expect.any(Number), unanswered: expect.any(Number) }]);
    expect(named[0]?.unasked).toBeGreaterThan(10);
  });

  test("answer in blocks where the line carries no more in one piece", () => {
    const line = readLine({
      meters: 3,
      mtuBytes: 96,
      serve: () => ({ code: CODE.content, options: [], payload: new Uint8Array(400).fill(7) }),
    });
    expect(line.readAll().answers).toEqual(line.ids);
    const [first] = line.events;
    expect(first).toMatchObject({ kind: "answer", content: { payload: new Uint8Array(400).fill(7) } });
    expect(line.bus.counters).toMatchObject({ collisions: 0, hurried: 0 });
  });

  test("take long requests in blocks", () => {
    const line = readLine({ meters: 2, mtuBytes: 96 });
    const body = new Uint8Array(300).fill(9);
    line.ask("M2", MINUTE_MS, body);
    line.clock.advanceBy(MINUTE_MS);
    expect(line.events).toMatchObject([{ kind: "answer", content: { payload: body } }]);
  });

  test("answer whoever would watch them once, and tell nothing afterwards", () => {
    const observed = {
      ...{
        answer: () => ({ code: CODE.content, options: [], payload: fromText("now") }),
        hasNews: () => true,
      },
      ...{ atLatestMs: 1000, atSoonestMs: 1000 },
    };
    const line = readLine({ meters: 2, observe: () => observed });
    const nowMs = line.clock.monotonicMs();
    line.client.watch(nowMs, {
      ...{ to: LINE, host: "M1", expect: "M1", untilMs: nowMs + 8000 },
      content: resourceRequest(CODE.fetch, "r", fromText("x")),
    });
    line.readAll(["M1"]);
    line.clock.advanceBy(MINUTE_MS);
    expect(line.events.filter(({ kind }) => kind === "notification")).toEqual([]);
    expect(line.events.filter(({ kind }) => kind === "answer")).toHaveLength(2);
    expect(line.client.line.stationRecords).toEqual([]);
  });

  test.each([
    ["that echo", { echo: true }],
    ["that turn round slowly", { enableMs: 1, holdMs: 2 }],
  ])("are read through adapters %s", (_, node) => {
    const line = readLine({ meters: 3, node });
    expect(line.readAll().answers).toEqual(line.ids);
    expect(line.bus.counters).toMatchObject({ collisions: 0, eaten: 0 });
  });
});

// firmware/protocol/README.md and readings.cddl are what others write an implementation from: they must say what the code does.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EVENT_LOGS } from "../../../firmware/events/event-table.ts";
import { writeKeyFile } from "../../../firmware/identity/identity.ts";
import { fromHex, fromText, toHex } from "../../../firmware/protocol/bytes.ts";
import { type CborValue, decodeCbor } from "../../../firmware/protocol/cbor.ts";
import { encodeLinkFormat } from "../../../firmware/protocol/coap/link-format.ts";
import { CODE, codeText, OPTION, resourceRequest } from "../../../firmware/protocol/coap/message.ts";
import { decodeCwt, isSignedBy } from "../../../firmware/protocol/cose/cwt.ts";
import { decodeSign1, verifySign1 } from "../../../firmware/protocol/cose/sign1.ts";
import { GROUP_ALGORITHMS } from "../../../firmware/protocol/group/algorithms.ts";
import { STATUS, STATUS_MAX } from "../../../firmware/protocol/readings/answer-fields.ts";
import {
  decodeClockReading,
  decodeClockSet,
  decodeClockSetOutcome,
} from "../../../firmware/protocol/readings/clock-reading.ts";
import {
  decodeEventReading,
  decodeEventRequest,
  EVENTS_PER_ANSWER_MAX,
} from "../../../firmware/protocol/readings/event-reading.ts";
import { INTERVAL_FLAG, INTERVALS_PER_BLOCK_MAX } from "../../../firmware/protocol/readings/interval.ts";
import { PADDING_TENTHS } from "../../../firmware/protocol/readings/interval-block.ts";
import { decodeKeyState, decodeRotationStep } from "../../../firmware/protocol/readings/key-rotation.ts";
import { CODE_MAX, DETAILS_MAX, SEQUENCE_MAX } from "../../../firmware/protocol/readings/logged-event.ts";
import { decodeLeaving, decodeMembership } from "../../../firmware/protocol/readings/membership.ts";
import { decodeNameplate } from "../../../firmware/protocol/readings/nameplate.ts";
import {
  decodeProfileReading,
  decodeProfileRequest,
  PROFILE_PERIOD_SECONDS,
  PROFILE_STEPS,
} from "../../../firmware/protocol/readings/profile-reading.ts";
import {
  decodeRegisterReading,
  decodeRegisterRequest,
  encodeRegisterReading,
  REGISTERS_PER_REQUEST_MAX,
  type RegisterEntry,
} from "../../../firmware/protocol/readings/register-reading.ts";
import { REGISTERS } from "../../../firmware/protocol/readings/register-table.ts";
import { decodeRelayReading, decodeSignedOrder } from "../../../firmware/protocol/readings/relay-reading.ts";
import { decodeStatement, STATEMENT_CONTEXT } from "../../../firmware/protocol/readings/statement.ts";
import { decodeStatementRequest } from "../../../firmware/protocol/readings/statement-request.ts";
import { decodeTariffPlan } from "../../../firmware/protocol/readings/tariff-table.ts";
import {
  decodeImagePart,
  decodeInstalled,
  decodeInstallOrder,
  decodeReceived,
} from "../../../firmware/protocol/readings/update-part.ts";
import { decodeUpdateRefusal, decodeUpdateState } from "../../../firmware/protocol/readings/update-state.ts";
import type { AskedSlots } from "../../../firmware/resources/update.ts";
import { type Refused, UPDATE_REFUSALS } from "../../../firmware/update/refusals.ts";
import type { SlotsReport } from "../../../firmware/update/slots-report.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { MemoryKeyStore } from "../../../hal/storage/memory-key-store.ts";
import { decodeBundle, MISSING } from "../../../host-tools/dap/forward/bundle.ts";
import { decodeStatus } from "../../../host-tools/dap/operator/status.ts";
import { parseLoad } from "../../../host-tools/loads/index.ts";
import { meterKey, singleLine } from "../../../host-tools/world/single-line.ts";
import { configuration } from "../../support/configuration.ts";
import { SIGN1 } from "../../vectors/cose/sign1.ts";

const readme = readFileSync("firmware/protocol/README.md", "utf8");
const cddl = readFileSync("firmware/protocol/readings.cddl", "utf8");

/** The rows of the table whose first column has this name, without its head. */
function table(firstColumn: string): string[][] {
  const [, body] = new RegExp(`^\\| ${firstColumn} .*\\n\\|[-| ]*\\n((?:\\|.*\\n)+)`, "m").exec(readme) ?? [];
  const lines = body?.trimEnd().split("\n") ?? [];
  return lines.map((line) => line.split("|").slice(1, -1)).map((cells) => cells.map((cell) => cell.trim()));
}

/** The cells of the one line that begins with this name. */
function row(name: string): string[] {
  const [, cells] = new RegExp(`^\\| ${name} +\\|(.*)\\|$`, "m").exec(readme) ?? [];
  return cells?.split("|").map((cell) => cell.trim()) ?? [];
}

interface Vector {
  readonly bytes: Uint8Array;
  readonly says: unknown;
}

const [, vectorText = ""] = /## Vectors[\s\S]*?```text\n([\s\S]*?)\n```/.exec(readme) ?? [];
const vectors = new Map(
  vectorText.split(/\n(?=[a-z])/).map((text): [string, Vector] => {
    const [, name = "", hex = "", says = "null"] = /^([a-z-]+) ([0-9a-f\s]+)([[{][\s\S]*)$/.exec(text) ?? [];
    return [name, { bytes: fromHex(hex) ?? new Uint8Array(), says: JSON.parse(says) }];
  }),
);

function bytesOf(name: string): Uint8Array {
  return vectors.get(name)?.bytes ?? new Uint8Array();
}

const registers = decodeRegisterRequest(bytesOf("register-request")) ?? [];
const profileRequest = decodeProfileRequest(bytesOf("profile-request"));
const eventRequest = decodeEventRequest(bytesOf("event-request"));
/** Of the vectors that are signed. */
const KEY_11 = SIGN1[0]?.publicKey ?? new Uint8Array();
const DECODERS: Readonly<Record<string, (body: Uint8Array) => unknown>> = {
  "register-request": decodeRegisterRequest,
  "register-reading": (body) => decodeRegisterReading(body, registers),
  "profile-request": decodeProfileRequest,
  "profile-reading": (body) => profileRequest && decodeProfileReading(body, profileRequest),
  "event-request": decodeEventRequest,
  "event-reading": (body) => eventRequest && decodeEventReading(body, eventRequest),
  "clock-reading": decodeClockReading,
  "clock-set": decodeClockSet,
  "clock-outcome": decodeClockSetOutcome,
  "tariff-plan": decodeTariffPlan,
  "statement-request": decodeStatementRequest,
  "signed-statement": (body) => {
    const sign1 = decodeSign1(body);
    const isSigned = sign1 !== undefined && verifySign1(opensslEngine, KEY_11, STATEMENT_CONTEXT, sign1);
    return isSigned ? decodeStatement(sign1.payload) : undefined;
  },
  "relay-reading": decodeRelayReading,
  "relay-order": (body) => {
    const sign1 = decodeSign1(body);
    return sign1 && decodeSignedOrder(sign1.payload);
  },
  nameplate: decodeNameplate,
  "key-state": (body) => {
    const { currentHash, next } = decodeKeyState(body) ?? {};
    return { currentHash, next: next?.bytes };
  },
  "rotation-step": (body) => [decodeRotationStep(body)],
  "update-state": decodeUpdateState,
  "image-part": decodeImagePart,
  "image-received": (body) => [decodeReceived(body)],
  "install-order": (body) => [decodeInstallOrder(body)],
  installed: decodeInstalled,
  "update-refusal": decodeUpdateRefusal,
  membership: decodeMembership,
  leaving: (body) => [decodeLeaving(body)],
  "signed-credential": (bytes) => {
    const issued = decodeCwt(bytes);
    if (issued === undefined || !isSignedBy(opensslEngine, KEY_11, issued)) return undefined;
    const { bytes: _, idCred: __, ...says } = issued;
    return says;
  },
  bundle: decodeBundle,
  "dap-status": decodeStatus,
};

const GAP: Refused = { refusal: "gap", received: 0 };
const REPORT = decodeUpdateState(bytesOf("update-state")) as SlotsReport;

/** As JSON has it: bytes in hex, null for what is not there. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, item: unknown) =>
    item instanceof Uint8Array ? toHex(item) : (item ?? null),
  );
  return JSON.parse(text);
}

describe("the README's table", () => {
  test("of registers is the one of the code", () => {
    const triples = table("number").flatMap((cells) => [
      cells.slice(0, 3),
      cells.slice(3, 6),
      cells.slice(6),
    ]);
    const shown = triples.map(([number, group, unitAndScaler = ""]) => {
      const [unit, scaler] = unitAndScaler.split(", ");
      return { number: Number(number), obis: `1-0:${group}*255`, unit, scaler: Number(scaler) };
    });
    const inOrder = shown.sort((a, b) => a.number - b.number);
    expect(inOrder).toEqual(
      REGISTERS.map((each) => ({ ...each, unit: each.unit === "" ? "ratio" : each.unit })),
    );
  });

  test("of qualities is what a reading is written with", () => {
    const rows = table("quality");
    expect(rows).toHaveLength(5);
    for (const [number, quality, form] of rows) {
      const hasValue = form?.includes("integer") ?? false;
      const entry = { register: "1-0:1.8.0*255", quality, ...(hasValue && { value: 7 }) } as RegisterEntry;
      const body = encodeRegisterReading({ timeSeconds: undefined, status: 0, entries: [entry] });
      const item = (decodeCbor(body) as CborValue[])[2];
      expect(item).toEqual(number === "0" ? 7 : [hasValue ? 7 : null, Number(number)]);
    }
  });

  test("of status bits, interval flags, profiles and logs is the one of the code", () => {
    const bits = table("bit").map(([bit, name]) => [name, Number(bit)]);
    expect(Object.fromEntries(bits)).toEqual(STATUS);
    const flags = table("flag").map(([flag, name]) => [name, Number(flag)]);
    expect(Object.fromEntries(flags)).toEqual(INTERVAL_FLAG);
    expect(row("profile").map(Number)).toEqual([...PROFILE_PERIOD_SECONDS.keys()]);
    expect(row("seconds").map(Number)).toEqual(PROFILE_PERIOD_SECONDS);
    expect(row("log").map(Number)).toEqual([...EVENT_LOGS.keys()]);
    expect(row("name")).toEqual(EVENT_LOGS);
  });

  test("of limits, and its padding factors, are those of the code", () => {
    const limits = [REGISTERS_PER_REQUEST_MAX, INTERVALS_PER_BLOCK_MAX, EVENTS_PER_ANSWER_MAX];
    expect(row("registers, intervals, events in an answer")).toEqual([limits.join(", ")]);
    const [least, middle, most] = PADDING_TENTHS.map((tenths) => tenths / 10);
    expect(readme).toContain(`b = ${least}, ${middle} or ${most}`);
  });
});

describe("what the README says of a meter's resources", () => {
  const load = parseLoad("watts:1000", { annualKilowattHours: 3500 });
  if ("error" in load) throw new Error(load.error);
  const startUtcMs = Date.UTC(2026, 10, 24);
  const line = { seed: 1, startUtcMs, crypto: opensslEngine, baud: 115_200, pollIntervalMs: 1000 };
  const keyStore = new MemoryKeyStore(fromText(writeKeyFile(meterKey(opensslEngine, 1))));
  const slots: AskedSlots = { report: () => REPORT, judge: () => GAP, take: () => GAP, install: () => GAP };
  const updates = { slots, restart: () => {} };
  const { runtime, stop } = singleLine({ ...line, load, configuration, keyStore, updates });
  const { resources } = runtime;
  stop();

  test("is served: these links, and each path with these methods alone", () => {
    const links = encodeLinkFormat(resources.links);
    expect(readme).toContain(`\`${links}\``);
    const shown = table("path").map(([path, method]) => `${path} ${method?.split(":")[0]}`);
    const methods = ["GET", "POST", "PUT", "DELETE", "FETCH"] as const;
    const codes = [CODE.get, CODE.post, CODE.put, CODE.delete, CODE.fetch];
    const served = [...links.matchAll(/<\/(\w)>/g)].flatMap(([, path = ""]) =>
      methods
        .filter((_, i) => {
          const { code } = ask(codes[i] as number, path);
          return code !== CODE.methodNotAllowed && code !== CODE.notFound;
        })
        .map((method) => `${path} ${method}`),
    );
    expect(shown.sort()).toEqual(served.sort());
  });

  test("is answered with its codes, the first fault first", () => {
    const order = ["4.02", "4.04", "4.05", "4.06", "4.15", "4.03", "4.00", "4.03", "4.03"].concat([
      ...["4.09", "4.09", "4.09", "4.09", "4.04", "4.04"],
      ...["5.03", "5.00", "2.05", "2.04"],
    ]);
    expect(table("code").flatMap(([codes = ""]) => codes.split(", "))).toEqual(order);
    const given = [
      ask(CODE.put, "nowhere", [[OPTION.uriQuery, 1]]),
      ask(CODE.put, "nowhere", [[OPTION.accept, 50]]),
      ask(CODE.put, "r", [[OPTION.accept, 50]], Uint8Array.of(0)),
      ask(CODE.fetch, "r", [[OPTION.accept, 50]], Uint8Array.of(0)),
      ask(CODE.fetch, "r", [[OPTION.contentFormat, 50]], Uint8Array.of(0)),
      ask(CODE.put, "c", [[OPTION.contentFormat, 60]], Uint8Array.of(0)),
      ask(CODE.fetch, "r", [[OPTION.contentFormat, 60]], Uint8Array.of(0)),
      ask(CODE.fetch, "p", [[OPTION.contentFormat, 60]], fromHex("85 03 00 1a6b04d380 01 01")),
    ];
    // What rules refuse takes the right to ask for it: `test/firmware/meter.test.ts`, `test/attacks/relay.test.ts`.
    const seen = [...order.slice(0, 7), "4.04"];
    expect(given.map(({ code }) => codeText(code))).toEqual(seen);
  });

  function ask(
    code: number,
    path: string,
    options: readonly [number, number][] = [],
    payload: Uint8Array = new Uint8Array(),
  ) {
    const more = options.map(([number, value]) => ({ number, value: Uint8Array.of(value) }));
    const { options: uriPath } = resourceRequest(code, path);
    return resources.serve({
      peer: { id: "H" },
      from: "line",
      content: { code, options: [...uriPath, ...more], payload },
    });
  }
});

describe("the README's vector", () => {
  test("is there for each body of the CDDL that is sent alone", () => {
    expect([...vectors.keys()]).toEqual(Object.keys(DECODERS));
    for (const name of vectors.keys()) expect(cddl).toMatch(new RegExp(`^${name} = \\[`, "m"));
  });

  test.each([...vectors])("%s says what stands beside it", (name, { bytes, says }) => {
    expect(plain(DECODERS[name]?.(bytes))).toEqual(says);
  });
});

describe("the CDDL", () => {
  /** Names of the fields in an array's rule, in order, with what stands at their places in an array. */
  function named(rule: string, items: CborValue | undefined): Record<string, CborValue | undefined> {
    const [, body = ""] = new RegExp(`^${rule} = \\[(?:[ ;].*)?\\n([\\s\\S]*?)^\\]`, "m").exec(cddl) ?? [];
    const names = [...body.matchAll(/^ {2}(?:\? )?\(?([a-z-]+):/gm)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(0);
    return Object.fromEntries(names.map((name, i) => [name, (items as readonly CborValue[])[i]]));
  }

  function itemsOf(name: string): CborValue[] {
    return decodeCbor(bytesOf(name)) as CborValue[];
  }

  test("names the fields of a nameplate in their order", () => {
    const items = itemsOf("nameplate");
    const { counters, ...plate } = decodeNameplate(bytesOf("nameplate")) ?? {};
    const inKebab = (record: object) =>
      Object.fromEntries(
        Object.entries(record).map(([name, value]) => [
          name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`),
          value,
        ]),
      );
    expect(named("nameplate", items)).toEqual({ ...inKebab(plate), counters: items.at(-1) });
    expect(named("nameplate-counters", items.at(-1))).toEqual(inKebab(counters ?? {}));
  });

  test("names the fields of a DAP's status, and the reasons of a bundle, in their order", () => {
    const status = decodeStatus(bytesOf("dap-status"));
    const items = itemsOf("dap-status");
    expect(Object.keys(named("dap-status", items))).toEqual([
      ...[
        "id",
        "third-party",
        "distribute",
        "return",
        "hold-seconds",
        "meters",
        "lines",
        "groups",
        "held",
        "counters",
      ],
    ]);
    expect([status?.id, status?.thirdParty, status?.holdSeconds, status?.meters]).toEqual([
      items[0],
      items[1],
      items[4],
      items[5],
    ]);
    const [line] = items[6] as readonly CborValue[];
    expect(Object.keys(named("dap-line", line)).map((name) => name.replace(/-w/, "W"))).toEqual(
      Object.keys({ ...status?.lines[0] }),
    );
    const reasons = Object.entries(MISSING).map(([name, number]) => `${name}: ${number}`);
    expect(cddl).toContain(`reason: &(${reasons.join(", ")})`);
  });

  test("names why an image is refused in the order of the code", () => {
    const [, names = ""] = /refusal: &\(([^)]*)\)/.exec(cddl) ?? [];
    const inOrder = names.split(",").map((pair) => pair.trim().split(": "));
    expect(inOrder).toEqual(UPDATE_REFUSALS.map((name, place) => [name, String(place)]));
  });

  test("names the fields of a clock reading and a clock set in their order", () => {
    const reading = decodeClockReading(bytesOf("clock-reading"));
    expect(named("clock-reading", itemsOf("clock-reading"))).toEqual({
      time: reading?.timeSeconds,
      status: reading?.status,
      "clock-status": reading?.clockStatus,
      source: 1,
      age: reading?.ageSeconds,
      drift: reading?.driftPartsPerBillion,
      zone: reading?.zone,
      challenge: reading?.challenge,
    });
    const set = decodeClockSet(bytesOf("clock-set"));
    const fields = { milliseconds: set?.utcMs, challenge: set?.challenge };
    expect(named("clock-set", itemsOf("clock-set"))).toEqual(fields);
  });

  test("names the fields of requests and of events in their order", () => {
    const profile = { profile: 0, register: 1, start: 1_795_478_460, count: 6, step: 10 };
    expect(named("profile-request", itemsOf("profile-request"))).toEqual(profile);
    expect(named("event-request", itemsOf("event-request"))).toEqual({ log: 2, from: 7, count: 3 });
    const items = itemsOf("event-reading");
    const reading = { time: 1_795_478_400, status: 0, oldest: 1, next: 12, first: 7 };
    expect(named("event-reading", items)).toEqual(reading);
    expect(named("event", items[6])).toEqual({ code: 91, time: 0xffffffff, "clock-status": 9 });
  });

  test("names the fields of a statement, its month and its registers in their order", () => {
    const request = { challenge: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]), registers: [0, 22] };
    expect(named("statement-request", itemsOf("statement-request"))).toEqual({ ...request, year: 2026 });
    const payload = decodeSign1(bytesOf("signed-statement"))?.payload ?? new Uint8Array();
    const items = decodeCbor(payload) as CborValue[];
    const read = decodeStatement(payload);
    expect(named("statement", items)).toEqual({
      ...{ form: 1, "serial-number": "4711", id: "M1", sequence: 1, previous: read?.previous },
      ...{ challenge: read?.challenge, time: 1_795_478_400, status: 0, "clock-status": 0 },
      ...{ month: items[9], registers: items[10] },
    });
    expect(named("month-end", items[9])).toEqual({
      ...{ year: 2026, month: 10, end: 1_793_491_200, before: 1_793_491_140, after: 1_793_491_200 },
      ...{ flags: 0, "clock-status": 0 },
    });
    const [, maximum] = items[10] as CborValue[];
    expect(named("stated-register", maximum)).toEqual({
      ...{ register: new Uint8Array([1, 0, 1, 6, 0, 255]), value: 5200, quality: 0, unit: "W", scaler: 0 },
      at: 1_793_400_300,
    });
  });

  test("names the fields of a membership and its algorithms in their order", () => {
    const read = decodeMembership(bytesOf("membership"));
    const items = itemsOf("membership");
    expect(named("membership", items)).toEqual({
      ...{ gid: read?.gid, "master-secret": read?.masterSecret, salt: read?.masterSalt },
      ...{ algorithms: items[3], "sender-id": read?.senderId, "head-end-sender-id": read?.headEndSenderId },
      ...{ "head-end-credential": read?.headEndCredential, "key-generation": read?.keyGeneration },
      ...{ "valid-until": read?.validUntilSeconds, group: read?.group },
    });
    const algorithms = Object.entries(GROUP_ALGORITHMS).map(([name, number]) => [
      name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`),
      number,
    ]);
    expect(Object.entries(named("group-algorithms", items[3]))).toEqual(algorithms);
    for (const [name, number] of algorithms) expect(cddl).toContain(`  ${name}: ${number},`);
  });

  test("has the limits of the code", () => {
    const ranges = {
      "status-bits =": `0..${STATUS_MAX}`,
      "register-request =": `[1*${REGISTERS_PER_REQUEST_MAX} register-name]`,
      "register-number =": `0..${REGISTERS.length - 1}`,
      "profile:": `0..${PROFILE_PERIOD_SECONDS.length - 1}`,
      "count:": `1..${INTERVALS_PER_BLOCK_MAX}`,
      "step:": PROFILE_STEPS.join(" / "),
      "log:": `0..${EVENT_LOGS.length - 1}`,
      "from:": `0..${SEQUENCE_MAX}`,
      "code:": `1..${CODE_MAX}`,
    };
    for (const [name, range] of Object.entries(ranges)) expect(cddl).toContain(`${name} ${range}`);
    expect(cddl).toContain(`count: 0..${EVENTS_PER_ANSWER_MAX}`);
    expect(cddl).toContain(`1*${EVENTS_PER_ANSWER_MAX} event`);
    expect(cddl).toContain(`1*${DETAILS_MAX} detail`);
  });
});

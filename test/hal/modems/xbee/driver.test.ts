import { describe, expect, test } from "vitest";
import { uartPair } from "../../../../hal/emulated/uart-pair.ts";
import { VirtualClock } from "../../../../hal/emulated/virtual-clock.ts";
import { startXbee, XbeeLink, type XbeeStart } from "../../../../hal/modems/xbee/driver.ts";
import { bytesOf, ScriptedUart } from "../../../support/scripted-uart.ts";
import { airPair, FAR, NEAR } from "../../../support/xbee.ts";

/** A module in API mode 2 whose address ends in 7D 11, byte for byte as it is on the line. */
const MODE_2: Readonly<Record<string, string>> = {
  "7E00040801415065": "7E 00 06 88 01 41 50 00 02 E3",
  "7E0004080253485A": "7E 00 09 88 02 53 48 00 00 7D 33 A2 00 25",
  "7E00040803534C55": "7E 00 09 88 03 53 4C 00 41 23 7D 5D 7D 31 E3",
  "7E000408044E5055": "7E 00 07 88 04 4E 50 00 01 00 D4",
};
const TO = "0013a20041234567";
const TRANSMIT = "7E0012 10 01 007D33A20041234567 FFFE 00 00 40011234 A5".replaceAll(" ", "");
const GET = bytesOf("40011234");
const received = (options: string, sum: string) =>
  `7E 00 10 90 00 7D 33 A2 00 41 23 45 67 FF FE ${options} 60 45 12 34 ${sum}`;

function begun(answers: Readonly<Record<string, string>> = MODE_2) {
  const clock = new VirtualClock();
  const uart = new ScriptedUart(clock);
  uart.answer = (request) => answers[request];
  let start: XbeeStart | undefined;
  startXbee(uart, clock, (came) => {
    start = came;
  });
  clock.advanceBy(5000);
  return { clock, uart, start: start as XbeeStart | undefined };
}

/** A link at a module that says what the test says. */
function linked() {
  const { clock, uart, start } = begun();
  if (!(start instanceof XbeeLink)) throw new Error(`the module is ${start}`);
  const datagrams: [string, Uint8Array][] = [];
  start.listen({ datagram: (from, datagram) => datagrams.push([from, datagram]) });
  uart.written.length = 0;
  const say = (text: string): void => uart.deliver(bytesOf(text));
  return { clock, uart, link: start, datagrams, say };
}

describe("at the start", () => {
  test("a module is asked for mode, address and size of packets, and in mode 2 read with escapes", () => {
    const { uart, start } = begun();
    expect(uart.written).toEqual(Object.keys(MODE_2));
    expect(start).toBeInstanceOf(XbeeLink);
    expect(start).toMatchObject({ station: "0013a20041237d11", traits: { mtuBytes: 256 } });
  });

  test("a question without an answer is asked three times, and then the module is silent", () => {
    const { uart, start } = begun({});
    expect(uart.written).toHaveLength(3);
    expect(start).toBe("silent");
    expect(uart.state).toBe("down");
  });

  test("a module that refuses a question, or is in no API mode, is senseless", () => {
    expect(begun({ ...MODE_2, "7E000408044E5055": "7E 00 05 88 04 4E 50 01 D4" }).start).toBe("senseless");
    expect(begun({ ...MODE_2, "7E00040801415065": "7E 00 06 88 01 41 50 00 03 E2" }).start).toBe("senseless");
  });

  test("answers to questions that were not asked change nothing", () => {
    const { "7E00040801415065": mode = "", ...later } = MODE_2;
    const { start } = begun({ ...later, "7E00040801415065": `${later["7E000408044E5055"]} ${mode}` });
    expect(start).toMatchObject({ traits: { mtuBytes: 256 } });
  });
});

describe("sending", () => {
  test("one packet is under way; the next goes when the module has said what became of it", () => {
    const { uart, link, say } = linked();
    expect(link.send(TO, GET)).toBe("queued");
    expect(link.send(TO, GET)).toBe("queued");
    expect(uart.written).toEqual([TRANSMIT]);
    say("7E 00 07 8B 02 FF FE 00 00 00 75");
    expect(uart.written).toHaveLength(1);
    say("7E 00 07 8B 01 FF FE 00 00 00 76");
    expect(uart.written).toHaveLength(2);
    expect(Object.values(link.counters.rejected).every((count) => count === 0)).toBe(true);
  });

  test.each([
    ["no-network-ack", "21", "55"],
    ["no-buffers", "18", "5E"],
    ["no-route", "25", "51"],
    ["unknown", "7F", "F7"],
  ])("a packet refused as %s is counted so", (reason, code, sum) => {
    const { link, say } = linked();
    link.send(TO, GET);
    say(`7E 00 07 8B 01 FF FE 00 ${code} 00 ${sum}`);
    expect(link.counters.rejected[reason]).toBe(1);
  });

  test("nine datagrams are taken and the tenth is told to come later", () => {
    const { link } = linked();
    const sent = Array.from({ length: 10 }, () => link.send(TO, GET));
    expect(sent).toEqual([...new Array(9).fill("queued"), "busy"]);
    expect(link.counters.sentDatagrams).toBe(9);
  });

  test("a name that is no address, and the own one, are nobody's", () => {
    const { link } = linked();
    for (const name of ["line", "0013A20041234567", "0013a2004123456", link.station]) {
      expect(link.send(name, GET)).toBe("down");
    }
  });
});

describe("receiving", () => {
  test("a packet is a datagram of its sender", () => {
    const { link, say, datagrams } = linked();
    say(received("01", "C1"));
    expect(datagrams).toEqual([[TO, bytesOf("60451234")]]);
    expect(link.counters.receivedDatagrams).toBe(1);
  });

  test("what was meant for everybody, and frames of other types, are counted and dropped", () => {
    const { link, say, datagrams } = linked();
    say(received("02", "C0"));
    say("7E 00 02 95 01 69");
    say("7E 00 02 8A 02 73");
    expect(datagrams).toEqual([]);
    expect(link.counters.rejected).toMatchObject({ broadcast: 1, type: 2 });
  });
});

describe("after trouble", () => {
  test.each([
    ["a restart of the module", "7E 00 02 8A 00 75"],
    ["a payload that is too large for it", "7E 00 07 8B 01 FF FE 00 74 00 02"],
  ])("%s lets the module be asked anew; the link is down until it has answered", (_, said) => {
    const { clock, uart, link, say } = linked();
    link.send(TO, GET);
    uart.answer = (request) =>
      request === "7E000408044E5055" ? "7E 00 07 88 04 4E 50 00 00 03 D2" : MODE_2[request];
    uart.written.length = 0;
    say(said);
    expect(link.send(TO, GET)).toBe("down");
    clock.advanceBy(100);
    expect(uart.written).toEqual(Object.keys(MODE_2));
    expect(link.send(TO, GET)).toBe("too-long");
    expect(link.send(TO, GET.subarray(1))).toBe("queued");
  });

  test("a module that says nothing more is asked for ever", () => {
    const { clock, uart, link } = linked();
    uart.answer = () => undefined;
    link.send(TO, GET);
    clock.advanceBy(60_000);
    expect(link.counters.rejected["no-status"]).toBe(1);
    expect(uart.written.length).toBeGreaterThan(12);
    expect(link.send(TO, GET)).toBe("down");
    uart.answer = (request) => MODE_2[request];
    clock.advanceBy(10_000);
    expect(link.send(TO, GET)).toBe("queued");
  });

  test("a line that was pulled out and put back carries on as soon as the module answers", () => {
    const { clock, near, far } = airPair();
    const arrived: Uint8Array[] = [];
    far.link.listen({ datagram: (_, datagram) => arrived.push(datagram) });
    near.host.unplug();
    expect(near.link.send(FAR, GET)).toBe("down");
    near.emulated.isMute = true;
    clock.advanceBy(1000);
    near.host.replug();
    clock.advanceBy(10_000);
    expect(near.link.send(FAR, GET)).toBe("down");
    near.emulated.isMute = false;
    clock.advanceBy(7000);
    expect(near.link.send(FAR, GET)).toBe("queued");
    clock.advanceBy(1000);
    expect(arrived).toEqual([GET]);
    expect(near.link.station).toBe(NEAR);
  });

  test("a closed link lets the clock rest", () => {
    const { clock, link } = linked();
    link.send(TO, GET);
    link.close();
    expect(clock.nextDueMs()).toBeUndefined();
  });

  test("half a frame is forgotten when the line comes back", () => {
    const clock = new VirtualClock();
    const [host, module] = uartPair(clock, { baud: 9600, dataBits: 8, parity: "none", stopBits: 1 });
    let start: XbeeStart | undefined;
    startXbee(host, clock, (came) => {
      start = came;
    });
    module.write(bytesOf("7E 00 06 88 01"));
    clock.advanceBy(50);
    host.unplug();
    host.replug();
    module.listen({ bytes: () => {} });
    module.write(bytesOf("7E 00 06 88 01 41 50 00 03 E2"));
    clock.advanceBy(100);
    expect(start).toBe("senseless");
  });
});

import { toHex } from "../../../firmware/protocol/bytes.ts";
import { EmulatedAir } from "../../../hal/emulated/air.ts";
import { SeededRandom } from "../../../hal/emulated/seeded-random.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { startXbee, XbeeLink } from "../../../hal/modems/xbee/driver.ts";
import { EmulatedXbee } from "../../../hal/modems/xbee/emulated.ts";
import { encodeApiFrame, XbeeApiDecoder } from "../../../hal/modems/xbee/framer.ts";
import { addressOf, fromModule, transmitRequest } from "../../../hal/modems/xbee/frames.ts";
import { type ApiMode, XBEE_LINE } from "../../../hal/modems/xbee/registers.ts";
import type { Uart, UartListener } from "../../../hal/ports/uart.ts";
import { bytesOf } from "../../support/scripted-uart.ts";
import { type Door, must, mustEqual } from "./door.ts";

const DATA_BYTES_MAX = 64;
const MODES: readonly ApiMode[] = [1, 2];
const STATION = "0013a20041234567";
const ADDRESS = bytesOf(STATION);
const GOOD = Uint8Array.of(0x90, ...ADDRESS, 0xff, 0xfe, 1, 0x40, 0x7e, 0x7d);
/** The question for the API mode, and what a module in mode 1 says to that and to the others. */
const ASK_MODE = "7e000408014150";
const ANSWERS: readonly (readonly [question: string, answer: string])[] = [
  [ASK_MODE, "880141500001"],
  ["7e000408025348", "88025348000013a200"],
  ["7e00040803534c", "8803534c0041234567"],
  ["7e000408044e50", "88044e50000049"],
];
/** Three tries at a question, a rest, and all questions anew; and whoever has sent something waits for its status. */
const READY_AGAIN_MS = 40_000;

/** A line whose other end is the search, or a module in mode 1 that answers what it is asked. */
class FedUart implements Uart {
  readonly settings = XBEE_LINE;
  readonly state = "open";
  written = "";
  #listener: UartListener | undefined;
  readonly #answers: boolean;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, answers: boolean) {
    this.#clock = clock;
    this.#answers = answers;
  }

  feed(bytes: Uint8Array): void {
    this.#listener?.bytes(bytes);
  }

  write(bytes: Uint8Array): "queued" {
    this.written = toHex(bytes);
    const answer = ANSWERS.find(([question]) => this.written.startsWith(question))?.[1];
    if (this.#answers && answer !== undefined) {
      this.#clock.after(1, () => this.feed(encodeApiFrame(1, bytesOf(answer))));
    }
    return "queued";
  }

  listen(listener: UartListener): void {
    this.#listener = listener;
  }

  close(): void {}
}

/** Frames are the same however they come, the next good one comes through, and both ends of a UART are soon themselves again. */
export const xbee: Door = {
  name: "xbee",
  decoders: /\/hal\/modems\/xbee\//,
  bytesMax: 300,
  samples: () => [
    ...MODES.map((mode) => encodeApiFrame(mode, GOOD)),
    ...MODES.map((mode) => encodeApiFrame(mode, transmitRequest(0x11, ADDRESS, bytesOf("407e7d1113")))),
    ...ANSWERS.map(([, answer]) => encodeApiFrame(1, bytesOf(answer))),
    encodeApiFrame(1, bytesOf("8b01fffe000000")),
    encodeApiFrame(1, bytesOf("8b02fffe002500")),
    encodeApiFrame(1, bytesOf("8b01fffe007400")),
    encodeApiFrame(1, bytesOf("8a00")),
    encodeApiFrame(1, bytesOf("0801415002")),
    encodeApiFrame(1, bytesOf("08014e50ff")),
    ...["8801", "8b01", "9000", "8a02"].map((data) => encodeApiFrame(1, bytesOf(data))),
    bytesOf("7e0050017e00022311cb"),
  ],
  check(input) {
    for (const mode of MODES) checkDecoder(mode, input);
    checkDriver(input);
    for (const mode of MODES) checkModule(mode, input);
  },
};

function checkDecoder(mode: ApiMode, input: Uint8Array): void {
  const [whole, pieces] = [new XbeeApiDecoder(DATA_BYTES_MAX), new XbeeApiDecoder(DATA_BYTES_MAX)];
  const [frames, again]: [Uint8Array[], Uint8Array[]] = [[], []];
  for (const decoder of [whole, pieces]) decoder.restart(mode);
  whole.push(input, (frame) => frames.push(frame));
  const step = 1 + ((input[0] ?? 0) & 7);
  for (let at = 0; at < input.length; at += step) {
    pieces.push(input.subarray(at, at + step), (frame) => again.push(frame));
  }
  must("other frames in pieces", frames.map(toHex).join() === again.map(toHex).join());
  must("other rejects in pieces", JSON.stringify(whole.rejected) === JSON.stringify(pieces.rejected));
  whole.pause((frame) => frames.push(frame));
  whole.push(encodeApiFrame(mode, GOOD), (frame) => frames.push(frame));
  mustEqual("a good frame", frames.at(-1) ?? input, GOOD);
  for (const frame of frames) checkFrame(frame);
}

function checkFrame(frame: Uint8Array): void {
  must("the frame's length", frame.length > 0 && frame.length <= DATA_BYTES_MAX);
  const said = fromModule(frame);
  if (said.kind !== "packet") return;
  mustEqual("the sender", addressOf(said.from) ?? frame, frame.subarray(1, 9));
  mustEqual("the datagram", said.datagram, frame.subarray(12));
}

function checkDriver(input: Uint8Array): void {
  const clock = new VirtualClock();
  const uart = new FedUart(clock, true);
  let link: XbeeLink | undefined;
  startXbee(uart, clock, (start) => {
    if (start instanceof XbeeLink) link = start;
  });
  clock.advanceBy(100);
  if (link === undefined) throw new Error("no link");
  link.send("0013a200ffffffff", GOOD);
  const step = 1 + ((input[0] ?? 0) & 63);
  for (let at = 0; at < input.length; at += step) {
    uart.feed(input.subarray(at, at + step));
    clock.advanceBy(3);
  }
  clock.advanceBy(READY_AGAIN_MS);
  must("a link that is up again", link.send("0013a200ffffffff", GOOD) === "queued");
}

function checkModule(mode: ApiMode, input: Uint8Array): void {
  const clock = new VirtualClock();
  const uart = new FedUart(clock, false);
  const air = new EmulatedAir(clock, new SeededRandom(1), { bitsPerSecond: 250_000 });
  new EmulatedXbee(uart, clock, air, { station: STATION, apiMode: mode });
  uart.feed(input);
  clock.advanceBy(10_000);
  uart.written = "";
  uart.feed(encodeApiFrame(1, bytesOf("08014150")));
  must("an answer of the module", uart.written.startsWith("7e000688014150"));
}

import { encodeMessage } from "../../../firmware/protocol/coap/codec.ts";
import { CODE, type CoapContent, resourceRequest } from "../../../firmware/protocol/coap/message.ts";
import { encodeImagePart, encodeInstallOrder } from "../../../firmware/protocol/readings/update-part.ts";
import { RecoveryConsole } from "../../../firmware/update/recovery-console.ts";
import { VirtualClock } from "../../../hal/emulated/virtual-clock.ts";
import { LINE, type Link, type LinkListener, type LinkTraits } from "../../../hal/ports/link.ts";
import type { Random } from "../../../hal/ports/random.ts";
import { MemoryFileTree } from "../../../hal/storage/memory-file-tree.ts";
import { partsOf, slotsOn } from "../../firmware/update/board.ts";
import { author, imageOf } from "../../firmware/update/images.ts";
import { type Door, must } from "./door.ts";

const NO_CHANCE: Random = { bytes: (length) => new Uint8Array(length), fork: () => NO_CHANCE };
const TRAITS: LinkTraits = {
  ...{ mtuBytes: 1152, bitsPerSecond: 115_200, bitsPerByte: 10, framingBytes: 5, roundTripMs: 20 },
  ...{ halfDuplex: false, addressing: "station" },
};
/** Whole as it is, but of nobody that the board believes. */
const FOREIGN = imageOf(8, { author: author("mallory") });
const [PART] = partsOf(FOREIGN, FOREIGN.length);

function message(content: CoapContent): Uint8Array {
  return encodeMessage({ type: "CON", messageId: 0, token: Uint8Array.of(0), ...content });
}

/** Plain as it is, a recovery console answers a datagram once at the most, and writes nothing that nobody has signed. */
export const recovery: Door = {
  name: "recovery",
  decoders:
    /\/firmware\/(protocol\/(plain-server|blockwise\/|coap\/block|readings\/update)|resources\/|update\/image)/,
  bytesMax: 1300,
  samples: () => [
    message(resourceRequest(CODE.get, "u")),
    ...(PART === undefined ? [] : [message(resourceRequest(CODE.put, "u", encodeImagePart(PART)))]),
    message(resourceRequest(CODE.post, "u", encodeInstallOrder(new Uint8Array(32)))),
    message(resourceRequest(CODE.get, "r")),
  ],
  check(input) {
    const tree = new MemoryFileTree();
    let listener: LinkListener | undefined;
    let sent = 0;
    const link: Link = {
      traits: TRAITS,
      counters: { sentDatagrams: 0, receivedDatagrams: 0, rejected: {} },
      send() {
        sent++;
        return "queued";
      },
      listen(own) {
        listener = own;
      },
      close: () => {},
    };
    let restarts = 0;
    const clock = new VirtualClock();
    new RecoveryConsole({
      ...{ link, clock, random: NO_CHANCE, slots: slotsOn(tree) },
      restart: () => void restarts++,
    });
    for (let copy = 0; copy < 2; copy++) listener?.datagram(LINE, input);
    must("more than one datagram for one", sent <= 2);
    clock.advanceBy(5000);
    must("something written, or a start", tree.operations === 0 && restarts === 0);
  },
};

// What anybody sees of a bundle: whose answers a DAP has put together, and how long they are.
import { toHex } from "../../firmware/protocol/bytes.ts";
import { codeText } from "../../firmware/protocol/coap/message.ts";
import { readOscoreOption } from "../../firmware/protocol/oscore/option.ts";
import { type BundledAnswer, decodeBundle, unbundled } from "../dap/forward/bundle.ts";
import type { Layer } from "./explain.ts";

/** The bundle, and each meter in it; undefined for a payload that is none. */
export function bundleLayers(payload: Uint8Array): Layer[] | undefined {
  const bundle = decodeBundle(payload);
  if (bundle === undefined) return undefined;
  const { answers, missing } = bundle;
  return [
    { layer: "bundle", fields: { bytes: payload.length, answers: answers.length, missing: missing.length } },
    ...answers.map(answerLayer),
    ...missing.map(({ alias, reason }): Layer => ({ layer: "missing", fields: { alias, reason } })),
  ];
}

function answerLayer(answer: BundledAnswer): Layer {
  const option = readOscoreOption(unbundled(answer));
  const kid = option === undefined || "refused" in option ? undefined : option.kid;
  const { alias, code, payload } = answer;
  return {
    layer: "bundled",
    fields: {
      alias,
      code: codeText(code),
      ...(kid && { kid: toHex(kid) }),
      [option === undefined ? "payload bytes" : "ciphertext bytes"]: payload.length,
    },
  };
}

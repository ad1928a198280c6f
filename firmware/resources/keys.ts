// Resource `x`: the key that the meter proves itself with, and its rotation.
import type { CryptoEngine } from "../../hal/ports/crypto.ts";
import type { StorageResult } from "../../hal/ports/storage.ts";
import type { EventLog } from "../events/event-log.ts";
import type { OwnKeys } from "../identity/own-keys.ts";
import { bareAnswer, CODE, type CoapContent } from "../protocol/coap/message.ts";
import { credentialHash } from "../protocol/cose/credential.ts";
import { decodeRotationStep, encodeKeyState } from "../protocol/readings/key-rotation.ts";
import {
  type AnswerParts,
  badRequest,
  cborAnswer,
  durablyChanged,
  type Method,
  NOT_STORED,
  type Resource,
} from "./resource.ts";

export interface KeyParts {
  readonly keys: Pick<OwnKeys, "current" | "next" | "begin">;
  /** Puts the next key into the place of the current one, and ends what was begun with that. */
  readonly confirm: () => StorageResult;
  readonly crypto: CryptoEngine;
  readonly log: Pick<EventLog, "record">;
}

const NOT_PROVED = bareAnswer(CODE.conflict, "no next key was proved in this session");

/** GET: the current and the next credential. PUT: a step of a rotation, which is answered with both too. */
export function keyResource(all: KeyParts, parts: AnswerParts): Resource {
  const { keys, crypto } = all;
  const state = (): CoapContent => {
    const currentHash = credentialHash(crypto, keys.current.credential);
    return cborAnswer(encodeKeyState({ currentHash, next: keys.next?.credential }));
  };
  const changed = (): CoapContent => ({ ...state(), code: CODE.changed });
  const put = (body: Uint8Array, own: object | undefined): CoapContent => {
    const step = decodeRotationStep(body);
    if (step === undefined) return badRequest("no step of a rotation");
    if (step === "confirm" && (own === undefined || own !== keys.next?.credential)) return NOT_PROVED;
    const take = step === "begin" ? begun : confirmed;
    return durablyChanged(parts, () => (take(all) === "done" ? changed() : NOT_STORED));
  };
  return new Map<number, Method>([
    [CODE.get, { right: "read", answer: state }],
    [CODE.put, { right: "update", answer: (body, { own }) => put(body, own) }],
  ]);
}

function begun({ keys, log }: KeyParts): StorageResult {
  const isNew = keys.next === undefined;
  const kept = keys.begin();
  if (kept === "done" && isNew) log.record("key-rotation-begun");
  return kept;
}

function confirmed({ confirm, log }: KeyParts): StorageResult {
  const kept = confirm();
  if (kept === "done") log.record("key-rotated");
  return kept;
}

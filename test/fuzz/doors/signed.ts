import { concat } from "../../../firmware/protocol/bytes.ts";
import { decodeCcs, encodeCcs } from "../../../firmware/protocol/cose/credential.ts";
import {
  cwtOf,
  decodeCredential,
  decodeCwt,
  isSignedBy,
  signCwt,
} from "../../../firmware/protocol/cose/cwt.ts";
import { decodeSign1, signSign1, verifySign1 } from "../../../firmware/protocol/cose/sign1.ts";
import {
  decodeStatement,
  encodeStatement,
  STATEMENT_CONTEXT,
  type Statement,
  statedEntry,
} from "../../../firmware/protocol/readings/statement.ts";
import {
  decodeStatementRequest,
  encodeStatementRequest,
} from "../../../firmware/protocol/readings/statement-request.ts";
import { opensslEngine } from "../../../hal/node/openssl.ts";
import { identity } from "../../support/secured-line.ts";
import { type Door, must, mustEqual } from "./door.ts";

const crypto = opensslEngine;
const meter = identity("meter", "M1");
const signingKey = meter.credential.signingKey ?? new Uint8Array();
const CHALLENGE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const TIME = 1_764_028_800;

const STATEMENT: Statement = {
  ...{ serialNumber: "4711", id: "M1", sequence: 2, previous: new Uint8Array(32), challenge: CHALLENGE },
  ...{ timeSeconds: TIME, status: 0, clockStatus: 0 },
  month: {
    ...{ year: 2025, month: 10, endSeconds: TIME - 900, beforeSeconds: TIME - 960, afterSeconds: TIME - 900 },
    ...{ flags: 0, clockStatus: 0 },
  },
  entries: [
    statedEntry({ register: "1-0:1.8.0*255", quality: "measured", value: 1_234_567 }),
    statedEntry({ register: "1-0:1.6.0*255", quality: "derived", value: 400, atSeconds: TIME - 1800 }),
    statedEntry({ register: "1-0:5.8.0*255", quality: "not-in-meter" }),
  ],
};
const PAYLOAD = encodeStatement(STATEMENT);
const SIGNED = signSign1(crypto, meter.signingSecretKey, STATEMENT_CONTEXT, PAYLOAD);
const ISSUED = signCwt(crypto, meter.signingSecretKey, meter.credential, {
  ...{ issuer: "CA", role: "meter", issuedAtSeconds: TIME, expiresAtSeconds: TIME + 3600 },
});

/** What is read comes back as it was, and nothing but what was signed here passes as signed. */
export const signed: Door = {
  name: "signed",
  decoders: /\/firmware\/protocol\/(cose\/(sign1|cwt|credential)|readings\/statement)/,
  bytesMax: 700,
  samples: () => [
    SIGNED,
    PAYLOAD,
    encodeStatement({ ...STATEMENT, month: undefined, timeSeconds: undefined, previous: new Uint8Array() }),
    encodeStatementRequest({ challenge: CHALLENGE, registers: ["1-0:1.8.0*255", "1-0:5.8.0*255"] }),
    encodeStatementRequest({
      ...{ challenge: CHALLENGE, registers: ["1-0:1.8.0*255"], month: { year: 2026, month: 12 } },
    }),
    ISSUED.bytes,
    ISSUED.idCred,
    meter.credential.bytes,
    meter.credential.idCred,
    signSign1(crypto, meter.signingSecretKey, new Uint8Array(), Uint8Array.of(0xa0)),
    concat(SIGNED, Uint8Array.of(0)),
  ],
  check(input) {
    checkSignature(input);
    const statement = decodeStatement(input);
    if (statement !== undefined) mustEqual("the statement again", encodeStatement(statement), input);
    const request = decodeStatementRequest(input);
    if (request !== undefined) decodeStatementRequest(encodeStatementRequest(request));
    const credential = decodeCredential(input);
    if (credential !== undefined) mustEqual("the credential's bytes", credential.bytes, input);
    const ccs = decodeCcs(input);
    if (ccs !== undefined) mustEqual("CCS again", encodeCcs(ccs).bytes, input);
    const cwt = cwtOf(input);
    if (cwt !== undefined) mustEqual("kcwt again", concat(Uint8Array.of(0xa1, 0x0d), cwt), input);
  },
};

function checkSignature(input: Uint8Array): void {
  const sign1 = decodeSign1(input);
  if (sign1 === undefined) return;
  if (verifySign1(crypto, signingKey, STATEMENT_CONTEXT, sign1))
    mustEqual("a statement that nobody signed", sign1.payload, PAYLOAD);
  decodeStatement(sign1.payload);
  const issued = decodeCwt(input);
  if (issued === undefined) return;
  const isForged = isSignedBy(crypto, signingKey, issued) && issued.id !== "M1";
  must("a credential that nobody signed", !isForged);
}

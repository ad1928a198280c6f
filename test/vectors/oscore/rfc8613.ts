/** RFC 8613 Appendix C: AES-CCM-16-64-128, HKDF-SHA-256, all in hex. */

export const MASTER_SECRET = "0102030405060708090a0b0c0d0e0f10";

/** C.1, C.2 and C.3; each is given for the client and for the server there. */
export const CONTEXTS = {
  "C.1": {
    masterSalt: "9e7ca92223786340",
    clientId: "",
    serverId: "01",
    idContext: undefined,
    clientKey: "f0910ed7295e6ad4b54fc793154302ff",
    serverKey: "ffb14e093c94c9cac9471648b4f98710",
    commonIv: "4622d4dd6d944168eefb54987c",
    clientNonce0: "4622d4dd6d944168eefb54987c",
    serverNonce0: "4722d4dd6d944169eefb54987c",
    clientKeyInfo: "8540f60a634b657910",
    serverKeyInfo: "854101f60a634b657910",
    ivInfo: "8540f60a6249560d",
  },
  "C.2": {
    masterSalt: undefined,
    clientId: "00",
    serverId: "01",
    idContext: undefined,
    clientKey: "321b26943253c7ffb6003b0b64d74041",
    serverKey: "e57b5635815177cd679ab4bcec9d7dda",
    commonIv: "be35ae297d2dace910c52e99f9",
    clientNonce0: "bf35ae297d2dace910c52e99f9",
    serverNonce0: "bf35ae297d2dace810c52e99f9",
    clientKeyInfo: "854100f60a634b657910",
    serverKeyInfo: "854101f60a634b657910",
    ivInfo: "8540f60a6249560d",
  },
  "C.3": {
    masterSalt: "9e7ca92223786340",
    clientId: "",
    serverId: "01",
    idContext: "37cbf3210017a2d3",
    clientKey: "af2a1300a5e95788b356336eeecd2b92",
    serverKey: "e39a0c7c77b43f03b4b39ab9a268699f",
    commonIv: "2ca58fb85ff1b81c0b7181b85e",
    clientNonce0: "2ca58fb85ff1b81c0b7181b85e",
    serverNonce0: "2da58fb85ff1b81d0b7181b85e",
    clientKeyInfo: "85404837cbf3210017a2d30a634b657910",
    serverKeyInfo: "8541014837cbf3210017a2d30a634b657910",
    ivInfo: "85404837cbf3210017a2d30a6249560d",
  },
} as const;

/** C.4 to C.6: the client's number is 20 in each. */
export const REQUESTS = {
  "C.4": {
    context: "C.1",
    unprotected: "44015d1f00003974396c6f63616c686f737483747631",
    plaintext: "01b3747631",
    nonce: "4622d4dd6d944168eefb549868",
    aad: "8368456e63727970743040488501810a40411440",
    ciphertext: "612f1092f1776f1c1668b3825e",
    option: "0914",
    sent: "44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e",
  },
  "C.5": {
    context: "C.2",
    unprotected: "440171c30000b932396c6f63616c686f737483747631",
    plaintext: "01b3747631",
    nonce: "bf35ae297d2dace910c52e99ed",
    aad: "8368456e63727970743040498501810a4100411440",
    ciphertext: "4ed339a5a379b0b8bc731fffb0",
    option: "091400",
    sent: "440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0",
  },
  "C.6": {
    context: "C.3",
    unprotected: "44012f8eef9bbf7a396c6f63616c686f737483747631",
    plaintext: "01b3747631",
    nonce: "2ca58fb85ff1b81c0b7181b84a",
    aad: "8368456e63727970743040488501810a40411440",
    ciphertext: "72cd7273fd331ac45cffbe55c3",
    option: "19140837cbf3210017a2d3",
    sent: "44022f8eef9bbf7a396c6f63616c686f73746b19140837cbf3210017a2d3ff72cd7273fd331ac45cffbe55c3",
  },
} as const;

/** C.7 and C.8: answers of C.1's server to C.4, under the request's nonce and under the number 0. */
export const RESPONSES = {
  "C.7": {
    unprotected: "64455d1f00003974ff48656c6c6f20576f726c6421",
    plaintext: "45ff48656c6c6f20576f726c6421",
    nonce: "4622d4dd6d944168eefb549868",
    ciphertext: "dbaad1e9a7e7b2a813d3c31524378303cdafae119106",
    sent: "64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106",
  },
  "C.8": {
    unprotected: "64455d1f00003974ff48656c6c6f20576f726c6421",
    plaintext: "45ff48656c6c6f20576f726c6421",
    nonce: "4722d4dd6d944169eefb54987c",
    ciphertext: "4d4c13669384b67354b2b6175ff4b8658c666a6cf88e",
    sent: "64445d1f00003974920100ff4d4c13669384b67354b2b6175ff4b8658c666a6cf88e",
  },
} as const;

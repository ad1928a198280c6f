/** Datagrams between aiocoap 0.4.17 and libcoap 4.3.5, recorded on the loopback; all in hex. */

export const RECORDED_CONTEXT = {
  masterSecret: "0102030405060708090a0b0c0d0e0f10",
  masterSalt: "9e7c0a92f9a1d9f7",
  clientId: "",
  serverId: "01",
  clientKey: "a244ea4b64136d098fc500cd896a4858",
  serverKey: "9dd58f55bba1f7e811474ed4cefd97e6",
  commonIv: "9eb5faada51e6530589d808f34",
} as const;

/** Each request with its answer; the plaintext is code, options and payload (RFC 8613 5.3). */
export const RECORDED_EXCHANGES = [
  {
    name: "aiocoap asks, libcoap answers in a message of its own",
    request: "4202029b11f2930a01f4ff429ccc29891f20a78a1bdd68ae7b",
    requestPlaintext: "01b474696d65",
    response: "4244161211f290fff5599b9ef10a2e152c02907bf4d36bfa333f10e54abe82f499e98cdf",
    responsePlaintext: "45c02101ff4e6f762032352030323a30383a3038",
  },
  {
    name: "libcoap asks with a Request-Tag, libcoap wants an Echo under its own number 0",
    request: "40026645723d54220900ff029b1330ba82804e90d9eb84c67066243bfb6ca9eb",
    requestPlaintext: "01b474696d65e4000c385382cb",
    response: "60446645920100ff5d5d4f51b0dee9060f2e6119fd41370ce55552",
    responsePlaintext: "81d8ef7356ca0290385bde",
  },
  {
    name: "libcoap asks again with the Echo, libcoap answers",
    request: "46026647200000000001723d54220901ffd0e2741269e8ac531f38259b28fe378acf6b51d52af502e8191447b50733",
    requestPlaintext: "01b474696d65d8e47356ca0290385bded41b385382cb",
    response: "464450d920000000000190ff9e96122694320c4b691a7054c18c3cffafec84d0a5334556c71cec78",
    responsePlaintext: "45c02101ff4e6f762032352030323a30363a3035",
  },
] as const;

// COSE_Sign1 by ES256, without the tag that starts each in its source.
import { hex } from "../crypto/hex.ts";

interface Sign1Vector {
  readonly source: string;
  /** The secret and the public key (04 || x || y). */
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
  /** external_aad. */
  readonly context: Uint8Array;
  readonly payload: Uint8Array;
  readonly sign1: Uint8Array;
}

/** RFC 9052 C.7: the key with the identifier "11". */
const KEY_11 = {
  secretKey: hex("57c92077664146e876760c9520d054aa93c3afb04e306705db6090308507b4d3"),
  publicKey: hex(`04bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff
                  20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e`),
};
const CONTENT = hex("546869732069732074686520636f6e74656e742e");

/** Those of github.com/cose-wg/Examples are in the public domain (unlicense.org). */
export const SIGN1: readonly Sign1Vector[] = [
  {
    source: "RFC 9052 C.2.1",
    ...KEY_11,
    context: hex(""),
    payload: CONTENT,
    sign1: hex(`8443a10126a10442313154546869732069732074686520636f6e74656e742e5840
                8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e
                2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36`),
  },
  {
    source: "cose-wg/Examples sign1-tests/sign-pass-02",
    ...KEY_11,
    context: hex("11aa22bb33cc44dd55006699"),
    payload: CONTENT,
    sign1: hex(`8443a10126a10442313154546869732069732074686520636f6e74656e742e5840
                10729cd711cb3813d8d8e944a8da7111e7b258c9bdca6135f7ae1adbee950989
                1267837e1e33bd36c150326ae62755c6bd8e540c3e8f92d7d225e8db72b8820b`),
  },
  {
    source: "RFC 8392 A.3",
    secretKey: hex("6c1382765aec5358f117733d281c1c7bdc39884d04a45a1e6c67c858bc206c19"),
    publicKey: hex(`04143329cce7868e416927599cf65a34f3ce2ffda55a7eca69ed8919a394d42f0f
                    60f7f1a780d8a783bfb7a2dd6b2796e8128dbbcef9d3d168db9529971a36e7b9`),
    context: hex(""),
    payload: hex(`a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572696b77037818636f61703a2f2f
                  6c696768742e6578616d706c652e636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b71`),
    sign1: hex(`8443a10126a05850a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572696b7703
                7818636f61703a2f2f6c696768742e6578616d706c652e636f6d041a5612aeb0051a5610d9f0061a
                5610d9f007420b7158405427c1ff28d23fbad1f29c4c7c6a555e601d6fa29f9179bc3d7438bacaca
                5acd08c8d4d4f96131680c429a01f85951ecee743a52b9b63632c57209120e1c9e30`),
  },
];

/** None of these may pass under the key "11": from sign1-tests of the same collection. */
export const NO_SIGN1: readonly (readonly [source: string, what: string, bytes: Uint8Array])[] = [
  [
    "sign-fail-02",
    "another payload",
    hex(`8443a10126a10442313154546869732069732074686520636f6e74656e742f5840
         8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e
         2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36`),
  ],
  [
    "sign-fail-03",
    "an algorithm that is none",
    hex(`8445a1013903e6a10442313154546869732069732074686520636f6e74656e742e5840
         8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e
         2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36`),
  ],
  [
    "sign-fail-04",
    "an algorithm by a name",
    hex(`844aa10167756e6b6e6f776ea10442313154546869732069732074686520636f6e74656e742e5840
         8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e
         2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36`),
  ],
  [
    "sign-fail-06",
    "a header put in",
    hex(`8445a201260300a10442313154546869732069732074686520636f6e74656e742e5840
         8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e
         2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36`),
  ],
  [
    "sign-fail-07",
    "a header taken out",
    hex(`8443a10126a10442313154546869732069732074686520636f6e74656e742e5840
         6520bbaf2081d7e0ed0f95f76eb0733d667005f7467cec4b87b9381a6ba1ede8
         e00df29f32a37230f39a842a54821fdd223092819d7728efb9d3a0080b75380b`),
  ],
  [
    "sign-pass-01",
    "the algorithm where nothing protects it",
    hex(`8441a0a201260442313154546869732069732074686520636f6e74656e742e5840
         87db0d2e5571843b78ac33ecb2830df7b6e0a4d5b7376de336b23c591c90c425
         317e56127fbe04370097ce347087b233bf722b64072beb4486bda4031d27244f`),
  ],
];

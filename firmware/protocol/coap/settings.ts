/** How much an endpoint remembers of others and of itself, and how it deals with what takes long. */
export interface CoapSettings {
  /** Requests of ours that are open at once; each costs some hundred bytes. */
  readonly openRequests: number;
  /** Separate answers of late, so that copies of them are known. */
  readonly takenAnswers: number;
  /** Requests of others, so that copies of them are answered alike. */
  readonly exchanges: number;
  /** Of those requests and their answers, in bytes. */
  readonly exchangeBytes: number;
  /**
   * `in time`: a request whose answer takes long gets an empty ACK by itself (RFC 7252 5.2.2). `when told`: only by
   * `acknowledge`, from whoever passes requests on and cannot say that they arrived.
   */
  readonly acknowledges: "in time" | "when told";
  /** Whether requests to different hosts come in here, so that blocks of one are not taken for those of another. */
  readonly hosts: "one" | "many";
  /** Long answers that are kept while they are fetched: of one station, and in all. */
  readonly longAnswers: { readonly perStation: number; readonly most: number };
  /** The longest answer that is put together of blocks. */
  readonly answerBytes: number;
}

/** The longest message that is put together (MAX_UNFRAGMENTED_SIZE of RFC 8613 4.1.3.4.2): an EDHOC message at its longest. */
export const WHOLE_BYTES_MAX = 2048;

/** What suits a meter, and a head-end that asks some hundred. */
export const USUAL_SETTINGS: CoapSettings = {
  openRequests: 256,
  // More than the answers that can come in within a repetition of the first of them.
  takenAnswers: 256,
  // More than the stations of a line that can be inside one repetition at the same time.
  exchanges: 64,
  // 64 requests and answers of 512 bytes.
  exchangeBytes: 65_536,
  acknowledges: "in time",
  hosts: "one",
  // One that is under way, and one that is begun anew; a message is at most some two kilobytes.
  longAnswers: { perStation: 2, most: 16 },
  answerBytes: WHOLE_BYTES_MAX,
};

// The pure compile has no DOM and no Node types; these two classes exist in every
// runtime that the meter runs on (Node, browsers), so they are declared, not imported.
declare class TextEncoder {
  encode(input?: string): Uint8Array;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(input?: Uint8Array): string;
}

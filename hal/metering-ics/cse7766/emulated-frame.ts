import { CHECK_BYTE, type Coefficients, checksum, FRAME } from "./registers.ts";

/** What the emulated part says in one frame; cycles in whole microseconds, 24 bits. */
export interface EmulatedFrame {
  readonly state: number;
  readonly coefficients: Coefficients;
  readonly voltageCycle: number;
  readonly currentCycle: number;
  readonly powerCycle: number;
  readonly adj: number;
  readonly pulses: number;
}

/** The frame's 24 bytes. */
export function encodeFrame(fields: EmulatedFrame): Uint8Array {
  const { coefficients } = fields;
  const frame = new Uint8Array(FRAME.length);
  frame[FRAME.STATE] = fields.state;
  frame[FRAME.CHECK] = CHECK_BYTE;
  put24(frame, FRAME.V_COEFFICIENT, coefficients.voltage);
  put24(frame, FRAME.V_CYCLE, fields.voltageCycle);
  put24(frame, FRAME.I_COEFFICIENT, coefficients.current);
  put24(frame, FRAME.I_CYCLE, fields.currentCycle);
  put24(frame, FRAME.P_COEFFICIENT, coefficients.power);
  put24(frame, FRAME.P_CYCLE, fields.powerCycle);
  frame[FRAME.ADJ] = fields.adj;
  frame[FRAME.CF] = fields.pulses >> 8;
  frame[FRAME.CF + 1] = fields.pulses & 0xff;
  frame[FRAME.SUM] = checksum(frame);
  return frame;
}

function put24(frame: Uint8Array, offset: number, value: number): void {
  frame[offset] = value >> 16;
  frame[offset + 1] = (value >> 8) & 0xff;
  frame[offset + 2] = value & 0xff;
}

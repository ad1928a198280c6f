import { describe, expect, test } from "vitest";
import {
  CONNECTED,
  CONTROL_MODES,
  type ControlState,
  DISCONNECTED,
  positionOf,
  stateAfter,
  type Trigger,
} from "../../../firmware/relay/control-state.ts";

const BY_ORDER: ControlState = { is: "ready", by: "order" };
const BY_LIMITER: ControlState = { is: "ready", by: "limiter" };
const STATES = [DISCONNECTED, CONNECTED, BY_ORDER, BY_LIMITER];
const TRIGGERS: readonly Trigger[] = ["disconnect", "connect", "press", "limit", "recover"];

describe("the states of a disconnector", () => {
  test("are those of COSEM's class 70 for its modes without disconnection by hand", () => {
    // By trigger, where it leads from disconnected, connected, ready by an order and ready by the limiter.
    const [D, C, O, L] = STATES;
    const inAll = { disconnect: [D, D, D, D], press: [D, C, C, C], limit: [D, L, O, L] };
    const stays = [D, C, O, L];
    const expected = {
      0: { ...inAll, connect: [O, C, O, L], recover: stays },
      3: { ...inAll, connect: [O, C, O, L], recover: stays },
      4: { ...inAll, connect: [C, C, C, C], recover: stays },
      6: { ...inAll, connect: [O, C, O, L], recover: [D, C, O, C] },
    };
    for (const mode of CONTROL_MODES)
      for (const trigger of TRIGGERS) {
        const after = STATES.map((state) => stateAfter(state, trigger, mode));
        expect([mode, trigger, after]).toEqual([mode, trigger, expected[mode][trigger]]);
      }
  });

  test("nothing but an order to connect, or somebody at the meter after one, closes what an order opened", () => {
    for (const mode of CONTROL_MODES)
      for (const trigger of TRIGGERS.filter((one) => one !== "connect"))
        expect(stateAfter(DISCONNECTED, trigger, mode)).toBe(DISCONNECTED);
  });

  test("contacts are closed while connected, and at no other time", () => {
    expect(STATES.map(({ is }) => positionOf(is))).toEqual(["open", "closed", "open", "open"]);
  });
});

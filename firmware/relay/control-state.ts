// The states of a disconnector and what leads from one to another: COSEM's class 70, disconnect control.

/** As COSEM numbers them (Blue Book, class 70, control_state). */
export const CONTROL_STATES = ["disconnected", "connected", "ready"] as const;

/**
 * `ready`: open until somebody at the meter presses its button. Who opened it is kept, as only what the limiter opened
 * may close by itself.
 */
export type ControlState =
  | { readonly is: "disconnected" }
  | { readonly is: "connected" }
  | { readonly is: "ready"; readonly by: "order" | "limiter" };

/**
 * COSEM's control modes without a way to disconnect by hand, and 0, in which nothing is switched from afar. An order to
 * connect makes the contacts ready in 3 and 6, and closes them in 4; in 6 what the limiter opened closes by itself.
 */
export const CONTROL_MODES = [0, 3, 4, 6] as const;
export type ControlMode = (typeof CONTROL_MODES)[number];

/** What may change the state: an order, the button, the limiter, and the end of its wait. */
export type Trigger = "disconnect" | "connect" | "press" | "limit" | "recover";

export const DISCONNECTED: ControlState = { is: "disconnected" };
export const CONNECTED: ControlState = { is: "connected" };
const READY_BY_ORDER: ControlState = { is: "ready", by: "order" };
const READY_BY_LIMITER: ControlState = { is: "ready", by: "limiter" };

/** Where each trigger leads from where it leads somewhere. Letters are those of the Blue Book's transitions. */
const TRANSITIONS: Readonly<
  Record<Trigger, (state: ControlState, mode: ControlMode) => ControlState | undefined>
> = {
  // b, c
  disconnect: () => DISCONNECTED,
  // a, d; an order to close what the limiter has opened closes it where it may close anything
  connect: ({ is }, mode) => (mode === 4 ? CONNECTED : is === "disconnected" ? READY_BY_ORDER : undefined),
  // e
  press: ({ is }) => (is === "ready" ? CONNECTED : undefined),
  // g
  limit: ({ is }) => (is === "connected" ? READY_BY_LIMITER : undefined),
  // h
  recover: (state, mode) =>
    mode === 6 && state.is === "ready" && state.by === "limiter" ? CONNECTED : undefined,
};

/** The state after a trigger; the very same one where that changes nothing. */
export function stateAfter(state: ControlState, trigger: Trigger, mode: ControlMode): ControlState {
  const after = TRANSITIONS[trigger](state, mode);
  return after === undefined || after.is === state.is ? state : after;
}

/** Where the contacts have to be. */
export function positionOf(state: ControlState["is"]): "closed" | "open" {
  return state === "connected" ? "closed" : "open";
}

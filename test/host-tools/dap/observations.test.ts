// What is observed through a DAP takes room only while it is under way.
import { expect, test } from "vitest";
import { fromUint } from "../../../firmware/protocol/bytes.ts";
import { messageOf, OPTION, withOptions } from "../../../firmware/protocol/coap/message.ts";
import type { WholeMessages } from "../../../firmware/protocol/coap/outer/whole-messages.ts";
import type { Line, Question } from "../../../host-tools/dap/forward/line.ts";
import { Observations } from "../../../host-tools/dap/forward/observations.ts";
import { codes, echo, place, sealedFor } from "./place.ts";

const REGISTERING = withOptions(sealedFor("M1"), { number: OPTION.observe, value: new Uint8Array(0) });

test("registrations that a line refused at once leave room for all that come later", () => {
  const asked: Question[] = [];
  let isDown = true;
  const line = {
    namesStations: false,
    ask(nowMs: number, question: Question) {
      if (isDown) question.onFailed(nowMs, "line-down");
      else asked.push(question);
      return {};
    },
  };
  const observations = new Observations({} as WholeMessages);
  let failures = 0;
  const question = { onFailed: () => failures++ } as unknown as Question;
  const register = (token: number) => {
    const message = messageOf({ type: "CON", messageId: 1, token: fromUint(token) }, REGISTERING);
    observations.take(0, { from: "H", message } as never, "M1", line as unknown as Line, question);
  };
  for (let token = 1; token <= 5000; token++) register(token);
  expect(failures).toBe(5000);
  isDown = false;
  register(9999);
  expect(asked.map(({ answers }) => answers)).toEqual(["many"]);
});

test.each([
  ["says nothing", undefined],
  ["acknowledges and says no more", "later"],
] as const)(
  "one of a meter that %s ends with its client's patience, on a line for one at a time too",
  (_, word) => {
    let sent = 0;
    const world = place({
      meters: ["M1", "M2"],
      south: { halfDuplex: true, bitsPerSecond: 9600 },
      southTap: () => sent++,
    });
    world.meter("M1", () => word);
    world.meter("M2", echo);
    const client = world.client("X");
    client.send(REGISTERING, { untilMs: 400_000 });
    world.clock.advanceBy(300_000);
    expect(world.dap.status().lines[0]).toMatchObject({ waiting: 0, underWay: 0 });
    const before = sent;
    world.clock.advanceBy(3_600_000);
    expect(sent).toBe(before);
    const other = world.client("Y");
    other.send(sealedFor("M2"));
    world.clock.advanceBy(5000);
    expect(codes(other.answers)).toEqual(["2.04"]);
  },
);

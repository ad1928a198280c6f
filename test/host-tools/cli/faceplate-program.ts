// A faceplate on this process' terminal, of a meter on paper; ends with the person, or as its first argument says.
import { Display } from "../../../firmware/display/display.ts";
import { EmulatedBoardSignals } from "../../../hal/emulated/board-signals.ts";
import { systemClock } from "../../../hal/node/system-clock.ts";
import { boardKeys } from "../../../host-tools/cli/board-keys.ts";
import { runFaceplate } from "../../../host-tools/cli/faceplate.ts";
import { displaySource } from "../../support/display-source.ts";

const [how] = process.argv.slice(2);
const signals = new EmulatedBoardSignals();
signals.listen({
  powerFail() {
    if (how === "throws") throw new Error("the last gasp failed");
    faceplate.aside(() => process.stdout.write("power failed\n"));
  },
});
const faceplate = runFaceplate({
  display: new Display(
    displaySource({ "1.8.0": 1_234_560, "2.8.0": 0, "32.7.0": 2301 }),
    systemClock.monotonicMs(),
  ),
  ...{ title: "M1", impulsesPerKilowattHour: 1000, pulses: () => 0 },
  ...boardKeys(signals, () => {}),
  ...{ input: process.stdin, output: process.stdout, clock: systemClock },
});
process.stdout.write(`pid ${process.pid}.\n`);
// As a meter that serves is there whether anybody looks or not.
const serving = setInterval(() => {}, 1000);
await faceplate.ended;
clearInterval(serving);
process.stdout.write("quit\n");

// The kit of hardware-in-the-loop tests, as a test takes it: `import { test, expect, needs } from "meterbench/hil"`.
export { expect } from "vitest";
export { FlashError } from "../flash/target.ts";
export { HeadEndError } from "../head-end/errors.ts";
export { lasting, needs, type RigFixtures, test } from "./fixtures.ts";
export { InfrastructureFault } from "./infrastructure.ts";
export { allEvents, namesOf, registerValue } from "./readings.ts";
export type {
  LineFaults,
  LineFrame,
  Need,
  Rig,
  RigClock,
  RigDap,
  RigFlash,
  RigHeadEnd,
  RigKind,
  RigLine,
  RigLoad,
  RigMeter,
  RigPower,
} from "./rig.ts";

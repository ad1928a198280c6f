// The head-end as a library: asks meters, and keeps who is enrolled.
export { TOLERANCE_SECONDS_MAX } from "./asking.ts";
export {
  type Answer,
  type ExchangeSize,
  HeadEnd,
  type HeadEndParts,
  profileRequests,
  type Target,
  type TimedInterval,
} from "./client.ts";
export { HeadEndError, type HeadEndErrorKind, RegistryError } from "./errors.ts";
export { type LogReading, type NumberRange, readLog } from "./event-pages.ts";
export { followRegistry } from "./follow-registry.ts";
export type { Group, GroupPlate, GroupRule } from "./groups/group.ts";
export { GroupAsks } from "./groups/group-asks.ts";
export { GroupManager, type GroupManagerParts, type Joining } from "./groups/group-manager.ts";
export {
  type GroupReaderParts,
  type GroupReadPlan,
  type LinePlace,
  readGroup,
} from "./groups/group-reader.ts";
export type { MemberReport } from "./groups/group-reading.ts";
export { GroupRegistry } from "./groups/group-registry.ts";
export { type BodyQuestion, profileQuestion, registersQuestion } from "./questions.ts";
export { Registry } from "./registry.ts";
export type { Enrolment, EnrolmentState } from "./registry-file.ts";
export { type Rotation, type RotationParts, rotateKey } from "./rotation.ts";
export { type HeldSessions, holdSessions, type SessionPlace } from "./session-folder.ts";
export {
  checkChain,
  type Gap,
  readStatement,
  type SignedStatement,
  type StatementFault,
  verifyStatement,
} from "./statements.ts";
export { agrees, type SwitchingParts, switchRelay } from "./switching.ts";
export { WatchKeeper, type WatchKeeperParts } from "./watch-keeper.ts";
export type { Notification, StopWatch, Watcher } from "./watching.ts";

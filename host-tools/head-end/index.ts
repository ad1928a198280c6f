// The head-end as a library: asks meters, and keeps who is enrolled.
export {
  type Answer,
  type ExchangeSize,
  HeadEnd,
  HeadEndError,
  type HeadEndErrorKind,
  type HeadEndParts,
  profileRequests,
  type Target,
  type TimedInterval,
} from "./client.ts";
export { type Enrolment, type EnrolmentState, Registry, RegistryError } from "./registry.ts";

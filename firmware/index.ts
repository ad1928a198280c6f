// The firmware as a library: a meter's runtime, its identity, and both ends of its protocol.
export { TimeZone } from "./calendar/time-zone.ts";
export { WallClock, type WallClockOptions } from "./clock/wall-clock.ts";
export { HOUSEHOLD_BILLING, type MeterBilling, type MeterConfiguration } from "./configuration.ts";
export { EventLog, type EventLogOptions } from "./events/event-log.ts";
export { EVENT_LOGS, EVENTS, type EventName, type LogName } from "./events/event-table.ts";
export { identityIssued, readCwtFile, writeCwtFile } from "./identity/cwt-file.ts";
export {
  Identity,
  type IdentityParts,
  isValidId,
  type NewIdentity,
  newIdentity,
  type Role,
  readCredentialFile,
  readKeyFile,
  writeCredentialFile,
  writeKeyFile,
} from "./identity/identity.ts";
export { HEAD_ENDS_MAX, refusalOf, TrustList, type TrustProfile } from "./identity/trust.ts";
export {
  Journal,
  type JournalEntry,
  type JournalOptions,
  type JournalRecord,
  type JournalState,
  type Recovery,
} from "./journal/journal.ts";
export type { Damage, RetentionRule } from "./journal/replay.ts";
export { Meter, type MeterParts, type SavedMeter } from "./meter.ts";
export type { MeterBoard, RuntimeOptions } from "./meter-board.ts";
export { EnergyEngine, type EnergyEngineOptions } from "./metrology/energy-engine.ts";
export { type IntervalRow, intervalsInSteps } from "./metrology/interval-profile.ts";
export type { ClientKeeping } from "./protocol/asking-sessions.ts";
export type { ClientEvent } from "./protocol/asks.ts";
export { CoapEndpoint, type CoapEvent } from "./protocol/coap/exchange.ts";
export {
  answerWith,
  CODE,
  type CoapContent,
  type CoapMessage,
  FORMAT,
  resourceRequest,
} from "./protocol/coap/message.ts";
export type { Credential } from "./protocol/cose/credential.ts";
export { type IssuedCredential, signCwt } from "./protocol/cose/cwt.ts";
export { Drive } from "./protocol/drive.ts";
export { EdhocInitiator } from "./protocol/edhoc/initiator.ts";
export { EdhocResponder } from "./protocol/edhoc/responder.ts";
export type { Endpoint, OutgoingDatagram } from "./protocol/endpoint.ts";
export type { Epoch, EpochMemory } from "./protocol/epochs.ts";
export type { KeptSession } from "./protocol/kept-session.ts";
export type { ServerKeeping } from "./protocol/kept-sessions.ts";
export { INTERVAL_FLAG, type Interval } from "./protocol/readings/interval.ts";
export type { LoggedEvent } from "./protocol/readings/logged-event.ts";
export { type Obis, parseObis } from "./protocol/readings/obis.ts";
export {
  publishedForm,
  REGISTERS,
  type Register,
  registerByObis,
} from "./protocol/readings/register-table.ts";
export type { Statement } from "./protocol/readings/statement.ts";
export type { StatementRequest } from "./protocol/readings/statement-request.ts";
export type { TariffPlan, TariffTable } from "./protocol/readings/tariff.ts";
export { SecureClient } from "./protocol/secure-client.ts";
export { SecureServer, type ServerEvent } from "./protocol/secure-server.ts";
export type { Resources, ServedRequest } from "./protocol/served-request.ts";
export { MeterRuntime } from "./runtime.ts";
export { BoardSlots, type BoardSlotsParts } from "./update/board-slots.ts";
export { encodeImage, readImage } from "./update/image.ts";
export { type ImageManifest, openManifest, signManifest } from "./update/manifest.ts";
export { type BoardFacts, refusalFor, UPDATE_REFUSALS, type UpdateRefusal } from "./update/refusals.ts";
export type { BootChoice, SlotsReport } from "./update/slots-report.ts";

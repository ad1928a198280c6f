// `--board DIR`: the board that a served meter runs on. Its slots and images are real ones; what runs is this program.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MeterConfiguration } from "../../firmware/configuration.ts";
import { SelfLink } from "../../firmware/health/self-link.ts";
import { writeCredentialFile } from "../../firmware/identity/identity.ts";
import type { TrustProfile } from "../../firmware/identity/trust.ts";
import type { BoardUpdates } from "../../firmware/meter-board.ts";
import type { MeterRuntime } from "../../firmware/runtime.ts";
import { BoardLife } from "../../firmware/startup/board-life.ts";
import { placesBelow } from "../../firmware/startup/board-places.ts";
import { openSlots } from "../../firmware/startup/open-slots.ts";
import { TRIAL_LIMIT_MS } from "../../firmware/update/boot-state.ts";
import type { BootChoice } from "../../firmware/update/slots-report.ts";
import { systemClock } from "../../hal/node/system-clock.ts";
import type { Link } from "../../hal/ports/link.ts";
import { type CommonOptions, homeOf } from "./common.ts";
import { usageFault } from "./fault.ts";
import { printable, say } from "./output.ts";

type BoardOptions = Pick<CommonOptions, "home" | "json"> & {
  readonly board?: string;
  readonly keys?: string;
};

type Started = Extract<BootChoice, { kind: "start" }>;

/** One start of an emulated board, as its loader would do it. */
export class ServedBoard {
  readonly updates: BoardUpdates;
  /** Settles when the meter has ended for another image to be started. */
  readonly restarted: Promise<"restart">;
  readonly #life: BoardLife;
  readonly #root: string;
  readonly #profile: TrustProfile;
  /** Undefined on a board that never had an image: it runs what it came with. */
  readonly #image: Started | undefined;

  /** Undefined without the option. A board with nothing to start is a usage fault. */
  static start(options: BoardOptions): ServedBoard | undefined {
    const { board, keys } = options;
    if (board === undefined) return undefined;
    const profile = keys === undefined ? "development" : "production";
    setUp(board, options);
    const image = chosenOn(board, profile);
    if (image !== undefined && options.json !== true) say(printable(`The board starts ${textOf(image)}.`));
    return new ServedBoard(board, profile, image);
  }

  private constructor(root: string, profile: TrustProfile, image: Started | undefined) {
    this.#root = root;
    this.#profile = profile;
    this.#image = image;
    let restart = (): void => {};
    this.restarted = new Promise((resolve) => {
      restart = () => resolve("restart");
    });
    const trial = image?.isTrial ? image.slot : undefined;
    this.#life = new BoardLife(root, { trial, profile }, restart);
    this.updates = this.#life.updates;
  }

  /** The meter's link, by which it reads itself too. */
  link(link: Link): SelfLink {
    return new SelfLink(link, systemClock);
  }

  /** The plate says what the board runs. */
  plate(configuration: MeterConfiguration): MeterConfiguration {
    if (this.#image === undefined) return configuration;
    const { manifest, slot } = this.#image;
    const digest = this.updates.slots.report().slots[slot]?.digest ?? configuration.firmwareDigest;
    return { ...configuration, firmwareVersion: manifest.version, firmwareDigest: digest };
  }

  /** Begins with a meter that has just been started: it looks at itself, and confirms a trial. Gives what ends it. */
  begin(runtime: MeterRuntime, link: SelfLink): () => void {
    const endLife = this.#life.begin(runtime, link);
    const endTrial = this.#image?.isTrial
      ? systemClock.after(TRIAL_LIMIT_MS, () => this.#endUnconfirmed())
      : (): void => {};
    return () => {
      endTrial();
      endLife();
    };
  }

  #endUnconfirmed(): void {
    if (openSlots(this.#root, this.#profile).report().trial !== undefined) this.updates.restart();
  }
}

/** Where the meter of a board keeps what it measures. */
export function stateOnBoard(root: string): string {
  return placesBelow(root).state;
}

/** A folder that is no board yet becomes one that believes this folder's author, as far as keys are for development. */
function setUp(root: string, options: BoardOptions): void {
  const { authors, data } = placesBelow(root);
  mkdirSync(data, { recursive: true });
  if (existsSync(authors)) return;
  if (options.keys !== undefined)
    throw usageFault(
      `The board at ${root} believes no author of images: put credential files of some into ${authors}.`,
    );
  mkdirSync(authors, { recursive: true });
  const { credential } = homeOf(options).author();
  writeFileSync(join(authors, `${credential.id}.json`), writeCredentialFile("author", credential));
}

function chosenOn(root: string, profile: TrustProfile): Started | undefined {
  const slots = openSlots(root, profile);
  const choice = slots.choose();
  if (choice.kind === "start") return choice;
  const { current, slots: images } = slots.report();
  if (current === undefined && Object.keys(images).length === 0) return undefined;
  throw usageFault(
    `The board at ${root} has nothing to start, as ${choice.why}: name an empty folder, or delete that one.`,
  );
}

function textOf({ manifest, slot, isTrial }: Started): string {
  const trial = isTrial ? ", on trial" : "";
  return `image ${manifest.version}, sequence ${manifest.sequence}, of slot ${slot}${trial}`;
}

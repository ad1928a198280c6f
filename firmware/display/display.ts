// A meter's display and its one button.
import { type DisplayItem, type DisplaySource, displayList } from "./display-list.ts";
import { type Page, TEST_PAGE } from "./page.ts";

/** As long as it takes to see that no segment is missing. */
const POWER_UP_TEST_MS = 5000;
/** "se non si preme il pulsante per 15 secondi consecutivi il display torna allo stato iniziale" (ldreti.it, 2G). */
const RETURN_AFTER_MS = 15_000;
/** As meters of Apator (apoxplus, 3.2) and those of Stadtwerke Freiberg have it. */
const SCROLL_STEP_MS = 10_000;

/** The place of the display test in the list. */
const TEST = 0;

/**
 * The list that a person steps through at a meter's button. A press out of rest calls the display test, each further
 * one the next page that the meter has, and after the last one comes the test again. Some seconds after the last
 * press, and after power-up, which begins with the test, the display is at rest: it shows what is billed on, page by
 * page, from the first register on.
 *
 * Times are those of one monotonic clock. Asking for a page changes nothing.
 */
export class Display {
  readonly #source: DisplaySource;
  readonly #list: readonly DisplayItem[];
  /** Called last; it stands until then, and what comes after that is rest. */
  #called = TEST;
  #untilMs: number;

  /** Power-up. */
  constructor(source: DisplaySource, nowMs: number) {
    this.#source = source;
    this.#list = displayList(source);
    this.#untilMs = nowMs + POWER_UP_TEST_MS;
  }

  press(nowMs: number): void {
    this.#called = nowMs < this.#untilMs ? this.#inMeterFrom(this.#called + 1) : TEST;
    this.#untilMs = nowMs + RETURN_AFTER_MS;
  }

  page(nowMs: number): Page {
    return nowMs < this.#untilMs ? this.#page(this.#called) : this.#scrolled(nowMs - this.#untilMs);
  }

  /** The test stands in where a meter has nothing that it shows by itself. */
  #scrolled(restMs: number): Page {
    const pages = this.#list
      .filter((item) => item.isScrolled(this.#source))
      .map((item) => item.page(this.#source))
      .filter((page) => page !== undefined);
    return pages[Math.floor(restMs / SCROLL_STEP_MS) % pages.length] ?? TEST_PAGE;
  }

  #page(place: number): Page {
    return this.#list[place]?.page(this.#source) ?? TEST_PAGE;
  }

  /** The first page from this place on that the meter has; behind the last one, the test. */
  #inMeterFrom(place: number): number {
    const next = this.#list.findIndex((item, i) => i >= place && item.page(this.#source) !== undefined);
    return next < 0 ? TEST : next;
  }
}

// A DAP inside its head-end's program: the same routes, turns and holding, without a machine of its own.
import { FREE, LinkEnd } from "../../hal/emulated/link-end.ts";
import type { Clock } from "../../hal/ports/clock.ts";
import { LINE, type Link, type LinkTraits, type Station } from "../../hal/ports/link.ts";
import type { Random } from "../../hal/ports/random.ts";
import { MemoryStorage } from "../../hal/storage/memory-storage.ts";
import { Dap } from "./dap.ts";
import type { DapSettings } from "./forward/settings.ts";
import { openLines } from "./open-lines.ts";
import type { RoutesFile } from "./routes-file.ts";

/** As over UDP: what is behind it takes its time, and a client has as much patience with it. */
const NEAR: LinkTraits = { ...FREE, roundTripMs: 500 };

/** It serves all that a DAP can, as whoever asks runs it; what it keeps it keeps as long as its program lives. */
const SETTINGS: DapSettings = { thirdParty: false, distribute: "fan-out", return: "bundle", holdSeconds: 0 };

/** The link to such a DAP; closing it ends the DAP, and closes the lines to its meters. Rejects with a LineError. */
export async function openVirtualDap(
  routes: RoutesFile,
  clock: Clock,
  random: Random,
): Promise<{ link: Link; peer: Station }> {
  const opened = await openLines(routes);
  const [near, far] = nearLinks(clock);
  const parts = { clock, random: random.fork("virtual dap"), north: far, storage: new MemoryStorage() };
  const dap = new Dap({ ...parts, ...opened, settings: SETTINGS });
  const close = (): void => {
    dap.stop();
    for (const line of opened.lines) line.close();
    near.close();
  };
  const { traits } = near;
  const link: Link = {
    traits,
    get counters() {
      return near.counters;
    },
    send: (to, datagram) => near.send(to, datagram),
    listen: (listener) => near.listen(listener),
    close,
  };
  return { link, peer: LINE };
}

/** Two ends in one program: what one sends the other has with the clock's next turn. */
function nearLinks(clock: Clock): [near: Link, far: Link] {
  const end = (peer: () => LinkEnd): LinkEnd =>
    new LinkEnd(NEAR, {
      knows: (to) => to === LINE,
      carry(_, bytes, left) {
        clock.after(0, () => {
          left();
          peer().receive(LINE, bytes);
        });
      },
    });
  const near = end(() => far);
  const far = end(() => near);
  return [near, far];
}

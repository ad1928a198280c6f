// Commands that ask a meter through whoever forwards for it, and by what way the next one asks.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { UdpLink } from "../../../hal/node/udp-link.ts";
import { emptyFolder, type Finished, meterbench, startMeterbench, stopAll } from "../../support/command.ts";
import { freePort } from "../../support/free-port.ts";
import { ForwardingStation } from "../../support/network.ts";

let folder: ReturnType<typeof emptyFolder>;
let cwd: string;
const links: UdpLink[] = [];

beforeAll(() => {
  folder = emptyFolder();
  cwd = folder.path;
});
afterEach(async () => {
  for (const link of links.splice(0)) link.close();
  await stopAll();
});
afterAll(() => folder.remove());

async function link(): Promise<UdpLink> {
  const made = await UdpLink.serve("127.0.0.1", 0);
  links.push(made);
  return made;
}

test("a meter is read through a DAP with the session that it was read with directly, and found so the next time", async () => {
  const port = await freePort();
  await startMeterbench(["serve", "--at", `udp:127.0.0.1:${port}`, "--load", "watts:1200"], { cwd });
  const [north, south] = [await link(), await link()];
  const dap = new ForwardingStation(north, () => south, { M1: `127.0.0.1:${port}` });
  const via = `udp:${north.local}`;
  const run = (...args: string[]): Promise<Finished> => meterbench([...args, "--json"], { cwd });
  const read = async (...args: string[]) => JSON.parse((await run("read", ...args, "1.8.0")).stdout);

  expect(await read(`udp:127.0.0.1:${port}`, "--meter", "M1")).toHaveProperty("handshake");
  for (const way of [["--via", via], []]) {
    const before = dap.forwarded;
    const reading = await read("meter:M1", "--delay-tolerance", "60", ...way);
    expect(reading).toMatchObject({ meter: "M1", ageSeconds: expect.any(Number) });
    expect(reading).not.toHaveProperty("handshake");
    expect(dap.forwarded).toBe(before + 1);
  }
  const { meters } = JSON.parse((await run("enrol", "list")).stdout);
  expect(meters).toMatchObject([{ id: "M1", address: `udp:127.0.0.1:${port}`, via }]);
  const before = dap.forwarded;
  expect(await read(`udp:127.0.0.1:${port}`, "--meter", "M1")).not.toHaveProperty("handshake");
  expect(await read("meter:M1")).not.toHaveProperty("handshake");
  expect(dap.forwarded).toBe(before);

  expect(await run("read", `udp:127.0.0.1:${port}`, "--via", via)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("write meter:ID --via"),
  });
});

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { UdpLink } from "../../../hal/node/udp-link.ts";
import type { Station } from "../../../hal/ports/link.ts";
import { linkContract } from "../../contracts/link.ts";
import { settle, sleep, until } from "../../support/real-time.ts";

const toDo: (() => void)[] = [];

afterEach(() => {
  for (const clean of toDo.splice(0).reverse()) clean();
});

function keep(link: UdpLink): UdpLink {
  toDo.push(() => link.close());
  return link;
}

function portOf(station: Station): number {
  return Number(station.slice(station.lastIndexOf(":") + 1));
}

async function udpPair(host: string) {
  const far = await UdpLink.serve(host, 0);
  const { link: near, peer } = await UdpLink.reach(host, portOf(far.local));
  const own = host.includes(":") ? `[${host}]` : host;
  return { near, far, nearStation: `${own}:${portOf(near.local)}`, farStation: peer, settle };
}

linkContract("UDP over IPv4", () => udpPair("127.0.0.1"));

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === "::1"),
);
describe.skipIf(!hasIpv6)("where the host has IPv6", () => {
  linkContract("UDP over IPv6", () => udpPair("::1"));
});

describe("UDP", () => {
  test("survives that nobody is there, and reaches the next who is", async () => {
    const served = keep(await UdpLink.serve("127.0.0.1", 0));
    const empty = createSocket("udp4").bind(0, "127.0.0.1");
    await once(empty, "listening");
    const nobody = `127.0.0.1:${empty.address().port}`;
    empty.close();
    const heard: Uint8Array[] = [];
    served.listen({ datagram: (_, datagram) => heard.push(datagram) });
    const { link, peer } = await UdpLink.reach("127.0.0.1", portOf(served.local));
    keep(link);
    for (let i = 0; i < 10; i++) {
      expect(link.send(nobody, Uint8Array.of(i))).toBe("queued");
      await sleep(2);
    }
    expect(link.send(peer, Uint8Array.of(99))).toBe("queued");
    await until(() => heard.length > 0);
    expect(heard).toEqual([Uint8Array.of(99)]);
  });

  test("drops and counts what arrives over the MTU, and takes what is just within it", async () => {
    const served = keep(await UdpLink.serve("127.0.0.1", 0));
    const sizes: number[] = [];
    served.listen({ datagram: (_, datagram) => sizes.push(datagram.length) });
    const sender = createSocket("udp4");
    toDo.push(() => sender.close());
    sender.send(new Uint8Array(1153), portOf(served.local), "127.0.0.1");
    sender.send(new Uint8Array(1152), portOf(served.local), "127.0.0.1");
    await until(() => sizes.length > 0);
    expect(sizes).toEqual([1152]);
    expect(served.counters).toMatchObject({ receivedDatagrams: 1, rejected: { "too-long": 1, unsent: 0 } });
  });

  test("hands over arrays that are the listener's own", async () => {
    const { near, far, farStation } = await udpPair("127.0.0.1");
    keep(near);
    keep(far);
    const heard: Uint8Array[] = [];
    far.listen({ datagram: (_, datagram) => heard.push(datagram) });
    near.send(farStation, Uint8Array.of(1));
    await until(() => heard.length > 0);
    expect(heard[0]?.constructor).toBe(Uint8Array);
  });

  test("takes 64 datagrams ahead of the operating system and no more", async () => {
    const { near, far, farStation } = await udpPair("127.0.0.1");
    keep(near);
    keep(far);
    const sent = Array.from({ length: 65 }, () => near.send(farStation, new Uint8Array(1000)));
    expect(sent).toEqual([...new Array(64).fill("queued"), "busy"]);
    await settle();
    expect(near.send(farStation, Uint8Array.of(1))).toBe("queued");
  });

  test("has no way to what is no station, or one of another address family", async () => {
    const { link } = await UdpLink.reach("127.0.0.1", 5683);
    keep(link);
    for (const station of ["line", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "localhost:1", "[::1]:1"]) {
      expect([station, link.send(station, Uint8Array.of(1))]).toEqual([station, "down"]);
    }
  });

  test("counts what the operating system refuses to send", async () => {
    const { link } = await UdpLink.reach("127.0.0.1", 5683);
    keep(link);
    link.send("255.255.255.255:9", Uint8Array.of(1));
    await until(() => link.counters.rejected["unsent"] === 1);
    expect(link.counters.rejected["unsent"]).toBe(1);
  });

  test("says so where another program has the port", async () => {
    const served = keep(await UdpLink.serve("127.0.0.1", 0));
    const port = portOf(served.local);
    await expect(UdpLink.serve("127.0.0.1", port)).rejects.toThrow(
      `Cannot listen at udp:127.0.0.1:${port}: another program has that port; stop it or choose another port.`,
    );
  });

  test("takes a host by name", async () => {
    const { link, peer } = await UdpLink.reach("localhost", 5683);
    keep(link);
    expect(["127.0.0.1:5683", "[::1]:5683"]).toContain(peer);
  });
});

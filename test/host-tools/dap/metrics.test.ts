import { expect, test } from "vitest";
import { serveMetrics } from "../../../host-tools/cli/metrics-server.ts";
import { metricsText } from "../../../host-tools/dap/metrics.ts";
import { freePort } from "../../support/free-port.ts";
import { echo, place, sealedFor } from "./place.ts";

test("a DAP's numbers are text that Prometheus reads: each with its help, its kind and its labels", () => {
  const world = place();
  world.meter("M1", echo);
  const client = world.client("H");
  client.send(sealedFor("M1"));
  client.send(sealedFor("M2"));
  world.clock.advanceBy(1000);
  const text = metricsText({
    ...world.dap.status(),
    lines: [{ name: 'a"b', aliases: [], waiting: 3, underWay: 1, unasked: { M7: 4 } }],
  });
  expect(text).toContain(
    "# HELP meterbench_dap_requests_total Requests that came from head-ends.\n# TYPE meterbench_dap_requests_total counter\nmeterbench_dap_requests_total 2\n",
  );
  expect(text).toContain('meterbench_dap_failures_total{reason="no-route"} 1\n');
  expect(text).toContain('meterbench_dap_line_waiting{line="a\\"b"} 3\n');
  expect(text).toContain('meterbench_dap_unasked_messages_total{line="a\\"b",meter="M7"} 4\n');
  for (const line of text.trimEnd().split("\n"))
    expect(line).toMatch(/^(# (HELP|TYPE) )?meterbench_dap_[a-z_]+(\{.*\})? ?.*$/);
});

test("they are served at /metrics and nowhere else, and a place that is taken is told in a sentence", async () => {
  const at = `127.0.0.1:${await freePort()}`;
  const server = await serveMetrics(at, () => "x 1\n");
  const [found, other] = await Promise.all([fetch(`http://${at}/metrics`), fetch(`http://${at}/`)]);
  expect([found.status, await found.text(), other.status]).toEqual([200, "x 1\n", 404]);
  await expect(serveMetrics(at, () => "")).rejects.toThrow(`Cannot serve metrics at ${at}`);
  server.close();
  await expect(serveMetrics("nowhere", () => "")).rejects.toThrow("nowhere is no place for metrics");
});

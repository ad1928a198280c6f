// A DAP's numbers as Prometheus reads them: the text format of its version 0.0.4.
import type { DapStatus } from "./operator/status.ts";

type Kind = "counter" | "gauge";

interface Metric {
  readonly name: string;
  readonly kind: Kind;
  readonly help: string;
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

/** What the counters are called, and what they count; those of failures have one name, and why as a label. */
const TOTALS: Readonly<Record<string, readonly [name: string, help: string]>> = {
  requests: ["requests_total", "Requests that came from head-ends."],
  answers: ["answers_total", "Answers that were passed on."],
  notifications: ["notifications_total", "Notifications that were passed on."],
  kept: ["held_requests_total", "Requests that were kept for later."],
  delivered: ["held_delivered_total", "Late answers that their clients acknowledged."],
  givenUp: ["held_given_up_total", "Kept requests whose time was up."],
  unwanted: ["held_unwanted_total", "Late answers that their clients did not want any more."],
};

/** All numbers of a status; what it says in words is in labels. */
export function metricsText({ lines, meters, held, counters }: DapStatus): string {
  const failures = Object.entries(counters).filter(([name]) => !Object.hasOwn(TOTALS, name));
  const metrics: Metric[] = [
    ...Object.entries(TOTALS).map(([counter, [name, help]]): Metric => {
      return { name, kind: "counter", help, samples: [[{}, counters[counter] ?? 0]] };
    }),
    {
      ...{
        name: "failures_total",
        kind: "counter",
        help: "Requests that were not answered by a meter, and why.",
      },
      samples: failures.map(([reason, count]) => [{ reason }, count]),
    },
    { name: "meters", kind: "gauge", help: "Meters that it knows the way to.", samples: [[{}, meters]] },
    { name: "held_requests", kind: "gauge", help: "Requests that are kept now.", samples: [[{}, held]] },
    {
      ...{ name: "line_waiting", kind: "gauge", help: "Requests that wait for their turn on a link." },
      samples: lines.map(({ name, waiting }) => [{ line: name }, waiting]),
    },
    {
      ...{ name: "line_under_way", kind: "gauge", help: "Requests under way on a link." },
      samples: lines.map(({ name, underWay }) => [{ line: name }, underWay]),
    },
    {
      ...{
        name: "unasked_messages_total",
        kind: "counter",
        help: "Messages that nobody waited for, by whom they seem to be of.",
      },
      samples: lines.flatMap(({ name, unasked }) =>
        Object.entries(unasked).map(([meter, count]) => [{ line: name, meter }, count] as const),
      ),
    },
  ];
  return metrics.map(metricText).join("");
}

function metricText({ name, kind, help, samples }: Metric): string {
  const full = `meterbench_dap_${name}`;
  const lines = samples.map(([labels, value]) => `${full}${labelText(labels)} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} ${kind}\n${lines.join("")}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

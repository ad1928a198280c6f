// `npm run power-cuts [-- --cuts N] [-- --seed S] [-- --mutants]`: one JSON document; exit 1 where something was wrong.
import { parseArgs } from "node:util";
import { histories, isWell } from "./histories.ts";
import { CARELESS_ENDS } from "./mutants.ts";

const { values } = parseArgs({
  options: {
    cuts: { type: "string" },
    seed: { type: "string", default: "1" },
    mutants: { type: "boolean", default: false },
  },
});
const cuts = Number(values.cuts ?? (values.mutants ? 500 : 100_000));
if (!Number.isInteger(cuts) || cuts < 1) {
  process.stderr.write(`--cuts takes a number from 1 on, not ${values.cuts}.\n`);
  process.exit(2);
}
const { seed } = values;

if (values.mutants) {
  const found = [...CARELESS_ENDS].map(([name, careless]) => {
    const { faults } = histories({ seed, cuts, careless });
    return { name, mustShow: careless.fault, faults };
  });
  report({ seed, cuts, mutants: found });
  process.exitCode = found.every(({ mustShow, faults }) => faults[mustShow] > 0) ? 0 : 1;
} else {
  const { faulty, ...figures } = histories({ seed, cuts });
  const again = faulty.map((own) => `npm run power-cuts -- --cuts 500 --seed ${own}`);
  report({ seed, ...figures, ...(again.length > 0 && { again }) });
  process.exitCode = isWell(figures) ? 0 : 1;
}

function report(document: Readonly<Record<string, unknown>>): void {
  const seconds = Number(process.uptime().toFixed(1));
  process.stdout.write(`${JSON.stringify({ ...document, seconds }, null, 2)}\n`);
}

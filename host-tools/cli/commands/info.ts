// `info TARGET`: the nameplate of a meter.
import type { Command } from "commander";
import { toHex } from "../../../firmware/protocol/bytes.ts";
import type { Nameplate } from "../../../firmware/protocol/readings/nameplate.ts";
import { groupPlateOf } from "../../head-end/groups/group.ts";
import { registryOf } from "../common.ts";
import { printable, say, sayJson, sizeText, statusTexts, table, words } from "../output.ts";
import { type TargetOptions, withHeadEnd, withTargetOptions, withTolerance } from "../target.ts";

export function addInfoCommand(program: Command): void {
  withTolerance(withTargetOptions(program.command("info <target>")))
    .description("show a meter's nameplate: what it is, what it runs, and its counters")
    .addHelpText("after", "\nExample: meterbench info pty:./meter1")
    .action(async (target: string, options: TargetOptions) => {
      const { meter, body, size } = await withHeadEnd(target, options, (headEnd, to) =>
        headEnd.readNameplate(to),
      );
      registryOf(options).describes(meter, groupPlateOf(body));
      const plate = { meter, ...plateDocument(body) };
      if (options.json) return sayJson({ ...plate, ...size });
      const { counters, ...facts } = plate;
      const rows = [...Object.entries(facts), ...Object.entries(counters)].map(([name, value]) => [
        words(name),
        printable(value === null ? "all, as nothing is kept" : String(value)),
      ]);
      for (const line of table(rows)) say(line);
      say(sizeText(size));
    });
}

function plateDocument({ clockStatus, configurationDigest, firmwareDigest, ...plate }: Nameplate) {
  return {
    ...plate,
    configurationDigest: toHex(configurationDigest),
    firmwareDigest: toHex(firmwareDigest),
    clock: statusTexts(clockStatus).join(", ") || "set",
  };
}

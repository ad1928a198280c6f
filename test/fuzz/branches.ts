// `npm run branches`: which branches of each decoder the tests of test/fuzz and their corpus reach. A table;
// exit 1 where it is less than 95 of a hundred in one of them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const LEAST_PERCENT = 95;

/**
 * Where a stranger's bytes are taken apart, and by which functions: what stands beside them in a file and writes
 * bytes has branches for bugs of its caller, which no input reaches.
 */
const DECODERS: readonly (readonly [file: string, functions: RegExp])[] = [
  ["hal/framing/slip.ts", /./],
  ["hal/framing/slipmux.ts", /^(decode|showable)/],
  ["hal/modems/xbee/framer.ts", /./],
  ["hal/modems/xbee/frames.ts", /^(from|at[R]|transmitStatus|receive|stationOf)/],
  ["hal/modems/xbee/emulated-serial.ts", /./],
  ["firmware/protocol/cbor.ts", /^(decode|scan|first|isPlain)/],
  ["firmware/protocol/coap/codec.ts", /^(decode|read)/],
  ["firmware/protocol/coap/block.ts", /^(readBlock|decodeBlock|isFirstOfMore|hasBlock)/],
  ["firmware/protocol/coap/outer/requests-in.ts", /^(take|append|begins|isTooLong|goOn)/],
  ["firmware/protocol/coap/outer/answers-in.ts", /^(isNext|isSame|begin|add|followUpOf)/],
  ["firmware/protocol/coap/outer/station-table.ts", /^(use|put)/],
  ["firmware/protocol/oscore/option.ts", /^(decode|read|kidContext|isShortest)/],
  ["firmware/protocol/oscore/message-fields.ts", /^unwrap/],
  ["firmware/protocol/edhoc/identifiers.ts", /./],
  ["firmware/protocol/edhoc/messages.ts", /^(decode|toPlaintext3|toExternal|from)/],
  [
    "firmware/protocol/cose/credential.ts",
    /^(decode|contentOf|fromCose|fromSigning|kindOf|coordinate|asMap)/,
  ],
  ["firmware/protocol/cose/cwt.ts", /^(decode|cwtOf|isByValue|issueOf|isOwn)/],
  ["firmware/protocol/cose/sign1.ts", /^(decode|isKidOnly)/],
  ["firmware/protocol/readings/answer-fields.ts", /^(decode|isInteger|array)/],
  ["firmware/protocol/readings/bit-stream.ts", /./],
  ["firmware/protocol/readings/clock-reading.ts", /^(decode|isChallenge)/],
  ["firmware/protocol/readings/event-reading.ts", /^decode/],
  ["firmware/protocol/readings/interval-block.ts", /^(decode|readValues|restore|endsWell|unzigzag)/],
  ["firmware/protocol/readings/interval-exceptions.ts", /^decode/],
  ["firmware/protocol/readings/key-rotation.ts", /^decode/],
  ["firmware/protocol/readings/leb128.ts", /^read/],
  ["firmware/protocol/readings/logged-event.ts", /^eventFrom/],
  ["firmware/protocol/readings/membership.ts", /^(decode|is)/],
  ["firmware/protocol/readings/nameplate.ts", /^(decode|fromItems)/],
  ["firmware/protocol/readings/obis.ts", /^obisFrom/],
  ["firmware/protocol/readings/profile-reading.ts", /^(decode|isOnGrid)/],
  ["firmware/protocol/readings/register-reading.ts", /^decode/],
  ["firmware/protocol/readings/register-table.ts", /^decode/],
  ["firmware/protocol/readings/relay-reading.ts", /^(decode|lastOrderFrom|placed|secondsOf|is)/],
  [
    "firmware/protocol/readings/statement.ts",
    /^(decode|fromCbor|monthFrom|entriesFrom|entryFrom|registerEntry|is)/,
  ],
  ["firmware/protocol/readings/statement-request.ts", /^(decode|isChallenge)/],
  ["firmware/protocol/readings/senml-reading.ts", /^(decodeS|decodeR|isFieldValue)/],
  [
    "firmware/protocol/readings/tariff-table.ts",
    /^(decode|tableOf|rowsOf|dayProfileOf|specialDayOf|isComplete)/,
  ],
  ["firmware/protocol/readings/update-part.ts", /^(decode|isDigest)/],
  ["firmware/protocol/readings/update-state.ts", /^(decode|is|maybe|placed|\w+FromCbor)/],
  ["firmware/protocol/readings/value-codes.ts", /^read/],
  ["firmware/update/boot-state.ts", /^(decode|trialFrom|outcomeFrom)/],
  ["firmware/update/incoming.ts", /^(readUpload|framesOf)/],
  [
    "firmware/update/manifest.ts",
    /^(decode|commonFrom|machineFrom|nodeFrom|schemaFrom|filesFrom|fileFrom|is|items)/,
  ],
  [
    "host-tools/image/elf.ts",
    /^(factsOf|libcOf|segmentsOf|dynamic|offsetOf|needed|defined|view|word|name|walk)/,
  ],
];

interface Place {
  readonly start: { readonly line: number };
  readonly end: { readonly line: number };
}

/** Istanbul's form of one file's figures. */
interface FileCoverage {
  readonly fnMap: Readonly<Record<string, { readonly name: string; readonly loc: Place }>>;
  readonly branchMap: Readonly<Record<string, { readonly loc: Place; readonly locations: readonly Place[] }>>;
  readonly b: Readonly<Record<string, readonly number[]>>;
}

const rows = figures(measure());
for (const { file, reached, all, missedLines } of rows) {
  const percent = all === 0 ? 100 : (100 * reached) / all;
  const missed = missedLines.length === 0 ? "" : `  not on ${missedLines.join(", ")}`;
  const figure = `${reached}/${all}`.padStart(8);
  process.stdout.write(`${file.padEnd(52)}${figure}${percent.toFixed(1).padStart(7)} %${missed}\n`);
}
process.exitCode = rows.every(({ reached, all }) => reached * 100 >= LEAST_PERCENT * all) ? 0 : 1;

/** Runs the tests with V8's coverage; figures by file. */
function measure(): Readonly<Record<string, FileCoverage>> {
  const folder = mkdtempSync(join(tmpdir(), "meterbench-branches-"));
  const included = DECODERS.map(([file]) => `--coverage.include=${file}`);
  const reports = [
    "--coverage.provider=v8",
    "--coverage.reporter=json",
    `--coverage.reportsDirectory=${folder}`,
  ];
  const words = ["vitest", "run", "test/fuzz", "--coverage", ...reports, ...included];
  try {
    const { status } = spawnSync("npx", words, { stdio: ["ignore", "ignore", "inherit"] });
    if (status !== 0) throw new Error("The tests of test/fuzz fail: see npx vitest run test/fuzz.");
    return JSON.parse(readFileSync(join(folder, "coverage-final.json"), "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function figures(covered: Readonly<Record<string, FileCoverage>>) {
  const byFile = new Map(
    Object.entries(covered).map(([path, file]) => [relative(process.cwd(), path), file]),
  );
  return DECODERS.map(([file, functions]) => {
    const coverage = byFile.get(file);
    if (coverage === undefined) throw new Error(`The tests of test/fuzz do not load ${file}.`);
    return { file, ...count(coverage, functions) };
  });
}

/** Branches in functions of these names, and in functions inside of those. */
function count({ fnMap, branchMap, b }: FileCoverage, functions: RegExp) {
  const wanted = Object.values(fnMap).filter(({ name }) => functions.test(name));
  const missedLines: number[] = [];
  let all = 0;
  for (const [id, { loc, locations }] of Object.entries(branchMap)) {
    if (!wanted.some((each) => isInside(loc, each.loc))) continue;
    const counts = b[id] ?? [];
    all += counts.length;
    for (const [i, times] of counts.entries())
      if (times === 0) missedLines.push(lineOf(locations[i]) ?? loc.start.line);
  }
  return { all, reached: all - missedLines.length, missedLines };
}

function isInside(place: Place, of: Place): boolean {
  return place.start.line >= of.start.line && place.end.line <= of.end.line;
}

/** A branch that is not written, as an else that is not there, has no place. */
function lineOf(place: Place | undefined): number | undefined {
  return place?.start?.line;
}

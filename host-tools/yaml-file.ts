// Files of settings in YAML, as people write them: one document of plain fields, and what is said of those that are not.
import * as v from "valibot";
import { type Document, LineCounter, parseDocument, type YAMLError } from "yaml";
import { isValidId } from "../firmware/identity/identity.ts";

/** What is wrong with a field that is none of the schema's, or has none of its own. */
export const FIELD_FAULT: v.ErrorMessage<v.StrictObjectIssue> = ({ expected, received }) =>
  expected === "never"
    ? "there is no such field"
    : received === "undefined"
      ? "this field is missing"
      : "this must have fields of its own";

const NAME_FAULT =
  "a name is 1 to 32 letters, digits, dots, dashes or underscores, the first a letter or digit";
/** Of a meter, a line, a bench. */
export const Name = v.pipe(v.string(NAME_FAULT), v.check(isValidId, NAME_FAULT));

export interface YamlFile {
  readonly value: unknown;
  /** For whoever tells on which line something stands. */
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

/** The fields in a text, none for an empty one; or a sentence about what is wrong with it and where. Never throws. */
export function readYaml(text: string): YamlFile | { readonly error: string } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  // What the parser only warns of, such as a tag of another language, it takes for something that was not meant.
  const [syntax] = [...document.errors, ...document.warnings];
  if (syntax !== undefined)
    return { error: `It is no YAML at line ${lines.linePos(syntax.pos[0]).line}: ${faultText(syntax)}.` };
  try {
    // Anchors have no use here, and a file of some bytes becomes gigabytes by them.
    return { value: document.toJS({ maxAliasCount: 0 }) ?? {}, document, lines };
  } catch {
    return { error: "At its top: aliases (*name) are not taken here: write it out." };
  }
}

function faultText({ code, message }: YAMLError): string {
  if (code === "MULTIPLE_DOCS") return "a second document begins here, and a file is one";
  const [what = ""] = message.split("\n");
  return what.replace(/\.$/, "");
}

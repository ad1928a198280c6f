import { elfBytes, readElf } from "../../../host-tools/image/elf.ts";
import { smallElf } from "../../host-tools/image/elf-files.ts";
import { type Door, must } from "./door.ts";

/** Ends within a sentence. */
const ERROR = /^[a-z][^.\n]*$/;
const NAME = /^[\x21-\x7e]{0,255}$/;

/** A file of a mounted card, which anybody may have written: it has facts, of names that can be shown, or an error. */
export const elf: Door = {
  name: "elf",
  decoders: /\/host-tools\/image\/elf\./,
  bytesMax: 600,
  samples: () => [
    smallElf(),
    smallElf({ machine: 40, needed: ["libc.so"], versions: [] }),
    smallElf({ machine: 183, needed: ["libc.so.6", "libm.so.6"], versions: ["GLIBC_2.17"] }),
    smallElf({
      machine: 243,
      needed: [],
      versions: ["A", "B", "C"],
      interpreter: "/lib/ld-musl-riscv64.so.1",
    }),
    smallElf({ bits: 32, machine: 40, interpreter: "/lib/ld-linux-armhf.so.3", needed: ["libm.so.6"] }),
    smallElf({ needed: ["ld-linux-x86-64.so.2"], soname: "libc.so.6", gives: ["GLIBC_2.2.5", "GLIBC_2.36"] }),
  ],
  check(input) {
    const facts = readElf(elfBytes(input));
    if ("error" in facts) return must(`the error "${facts.error}"`, ERROR.test(facts.error));
    const { interpreter = "", soname = "", needed, needsVersions, givesVersions } = facts;
    for (const name of [interpreter, soname, ...needed, ...needsVersions, ...givesVersions])
      must(`the name ${JSON.stringify(name)}`, NAME.test(name));
    must("more versions than any file has", needsVersions.length <= 1024 && givesVersions.length <= 1024);
  },
};

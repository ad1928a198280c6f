// Changes a registry as it is told to, together with others: `revoke ID` or `proved ID` by messages.
import { Registry } from "../../../host-tools/head-end/registry.ts";

const registry = new Registry(process.argv[2] ?? "");
let address = 0;

process.on("message", ({ revoke, prove }: { revoke: readonly string[]; prove: readonly string[] }) => {
  for (const id of revoke) registry.revoke(id);
  for (const id of prove) {
    const enrolment = registry.find(id);
    if (enrolment !== undefined)
      registry.proved(enrolment.credential, { address: `udp:127.0.0.1:${++address}` });
  }
  process.send?.("done");
});
process.send?.("ready");

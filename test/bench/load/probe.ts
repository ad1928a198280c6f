// Loaded into a meter's process before its own program, which knows nothing of it: answers the benchmark's questions
// for memory, processor time and what the processor does.
import { Socket } from "node:dgram";
import { EventEmitter } from "node:events";
import { Session } from "node:inspector/promises";
import { memoryNow } from "./memory.ts";
import { selfTimes } from "./self-times.ts";

export type Question = "memory" | "processor" | "begin profile" | "end profile" | "leak";

const inspector = new Session();
/** What a meter that leaks would keep. */
const kept: unknown[] = [];

async function answer(question: Question): Promise<unknown> {
  switch (question) {
    case "memory":
      return memoryNow();
    case "processor": {
      const { user, system } = process.cpuUsage();
      return user + system;
    }
    case "begin profile":
      inspector.connect();
      await inspector.post("Profiler.enable");
      await inspector.post("Profiler.start");
      return "begun";
    case "end profile": {
      const { profile } = await inspector.post("Profiler.stop");
      inspector.disconnect();
      return selfTimes(profile);
    }
    case "leak":
      return keepEachDatagram();
  }
}

/** So that the benchmark can show that it finds such a meter. */
function keepEachDatagram(): string {
  const { emit } = EventEmitter.prototype;
  Socket.prototype.emit = function (this: Socket, ...event: Parameters<EventEmitter["emit"]>): boolean {
    if (event[0] === "message") kept.push(event);
    return emit.apply(this, event);
  };
  return "leaking";
}

process.on("message", async (question: Question) => process.send?.({ answer: await answer(question) }));
// A benchmark that fails leaves no meter behind.
process.on("disconnect", () => process.exit());

import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files whose tests wait for processes and lines most of the time. */
const WAITING = /\/test\/(?:host-tools\/cli|hal\/node|host-tools\/oscore-context|interop)\//;

/** Puts the tests that wait before those that compute, which then fill the waiting; else the last one waits alone. */
export default class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isWaiting = ({ moduleId }: TestSpecification): boolean => WAITING.test(moduleId);
    return [...sorted.filter(isWaiting), ...sorted.filter((file) => !isWaiting(file))];
  }
}

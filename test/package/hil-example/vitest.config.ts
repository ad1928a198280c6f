import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["hil/**/*.hil.ts"], testTimeout: 30_000 } });

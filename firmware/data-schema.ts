import type { DataSchema } from "./update/manifest.ts";

/**
 * The form of what a meter keeps in its data folder, counted: each image says it, and a board takes none that could not go on
 * with what is there, or leaves behind what the image before could not read after a failed trial. It goes up with a record
 * that an earlier firmware cannot read or takes for something else; what this one reads goes back as far as the tests hold it
 * to (`test/vectors/data-schema`).
 */
export const DATA_SCHEMA: DataSchema = { reads: [1, 1], writes: 1 };

/** Files that are no CSV can have lines of any length, and sentences quote from them. */
const SENTENCE_CHARACTERS_MAX = 500;

/** A CSV file or the text that names it is not fit to be a load: one sentence for people. */
export class CsvFault extends Error {
  constructor(sentence: string) {
    super(
      sentence.length > SENTENCE_CHARACTERS_MAX
        ? `${sentence.slice(0, SENTENCE_CHARACTERS_MAX)}...`
        : sentence,
    );
  }
}

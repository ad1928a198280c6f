/** What was before, where `now` has the same items: so that who stores it sees at once that nothing has changed. */
export function kept<Items extends readonly unknown[]>(before: Items | undefined, now: Items): Items {
  return before?.length === now.length && now.every((item, i) => item === before[i]) ? before : now;
}

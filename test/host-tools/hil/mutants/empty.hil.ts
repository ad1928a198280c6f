// A file of tests without any.
export {};

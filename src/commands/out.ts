/** Where a command prints: a stream, or a test's collector. */
export type Out = Readonly<{ write: (text: string) => unknown }>

/** The little that this room needs of a logger; pino's fits. Fields are never taken from rows or parameters. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What may be told of a database error: its class and SQLSTATE. Its message can quote a value. */
export function errorFields(error: unknown): { error: string; code?: string } {
  const name = error instanceof Error ? error.name : typeof error
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' ? { error: name, code } : { error: name }
}

/** The sources need the loader that we run under; what else a test runner gives us is not for a user's program. */
export const nodeArguments: readonly string[] = import.meta.url.endsWith('.ts') ? process.execArgv : []

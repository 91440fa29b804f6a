/**
 * How a test starts Node. The sources need the loader that we run under; what else a test runner gives us is not for a
 * user's program. Compiled, a process optimizes later than by default: most live for seconds, and a third of the
 * processor time of a start went into optimizing what runs once.
 */
export const nodeArguments: readonly string[] = import.meta.url.endsWith('.ts')
  ? process.execArgv
  : ['--interrupt-budget=1000000']

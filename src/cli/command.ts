import { type Given, type OptionSpecs, readArguments, UsageError } from './arguments.ts'

/** One thing that a command does. */
export interface Act {
  options?: OptionSpecs
  /** Names of what must stand without an option's name, in order; one that ends in `?` may be left out. */
  positionals?: readonly string[]
  /** @returns the exit code: 0 done, 1 refused or failed. */
  run(given: Given, env: NodeJS.ProcessEnv): Promise<number>
}

export type Run = (args: string[], env: NodeJS.ProcessEnv) => Promise<number>

/**
 * A command of several acts, the first argument naming one: `bank add`.
 * @param help Chinese and English, with an example.
 */
export function commandOfActs(name: string, help: string, acts: Readonly<Record<string, Act>>): Run {
  return async (args, env) => {
    const [word, ...rest] = args
    if (word === '--help' || word === '-h' || rest.includes('--help')) return printHelp(help)
    const act = word !== undefined && Object.hasOwn(acts, word) ? acts[word] : undefined
    if (act !== undefined) return act.run(readArguments(`${name} ${word}`, act, rest), env)
    const known = Object.keys(acts).join(' | ')
    const fault =
      word === undefined
        ? { zh: `请指明子命令：${known}`, en: `say what to do: ${known}` }
        : { zh: `没有子命令 ${word}，可用：${known}`, en: `there is no ${name} ${word}; there is ${known}` }
    throw new UsageError(name, [fault])
  }
}

/** A command that does one thing. */
export function commandOf(name: string, help: string, act: Act): Run {
  return async (args, env) =>
    args.includes('--help') || args.includes('-h') ? printHelp(help) : act.run(readArguments(name, act, args), env)
}

function printHelp(help: string): number {
  console.log(help.trim())
  return 0
}

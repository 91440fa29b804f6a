import { Problem } from '../base/problem.ts'
import { ConfigurationError } from '../config.ts'
import { StartRefused } from '../db/start-refused.ts'
import { UsageError } from './arguments.ts'
import { shown } from './table.ts'

/** What a person is told of an error, and the exit code: 1 refused or failed, 2 wrong usage. Never a stack. */
export function failure(error: unknown): { lines: string[]; code: 1 | 2 } {
  if (error instanceof UsageError) {
    const faults = error.faults.map(({ zh, en }) => `  - ${shown(zh)} / ${shown(en)}`)
    const [command] = error.command.split(' ')
    const help = ['  bdc-gateway', ...(command === '' ? [] : [command]), '--help'].join(' ')
    return { lines: [`用法有误 / wrong usage: ${`bdc-gateway ${error.command}`.trimEnd()}`, ...faults, help], code: 2 }
  }
  if (error instanceof StartRefused) return { lines: [error.detail.zh, error.detail.en], code: 1 }
  if (error instanceof ConfigurationError) return { lines: error.message.split('\n'), code: 1 }
  if (error instanceof Problem) {
    const { code, detail, faults } = error
    return {
      lines: [
        shown(`${detail.zh} [${code}]`),
        shown(detail.en),
        ...faults.map((fault) => shown(`  - ${optionName(fault.pointer)}: ${fault.detail} / ${fault.detailEn}`)),
      ],
      code: 1,
    }
  }
  return { lines: [`失败 / failed: ${shown(unforeseen(error))}`], code: isOfArguments(error) ? 2 : 1 }
}

/** Node's own word on options, of a command that reads them strictly. */
function isOfArguments(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

/** A member of what was given, as the option is called: `/agreementFrom` is `--agreement-from`. */
function optionName(pointer: string): string {
  return `--${pointer.slice(1).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** A message of PostgreSQL can quote a value; its code cannot. */
function unforeseen(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return `${error.name} ${code}`
  return error.message
}

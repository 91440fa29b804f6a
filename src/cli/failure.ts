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
  const known = systemWords(error)
  if (known !== null) return { lines: known.map((line) => shown(line)), code: 1 }
  return { lines: [`失败 / failed: ${shown(unforeseen(error))}`], code: isOfArguments(error) ? 2 : 1 }
}

/** What the system refused, by its code, with the file where it names one. */
const SYSTEM: Readonly<Record<string, readonly [zh: string, en: string]>> = {
  EACCES: ['没有权限', 'permission denied'],
  EPERM: ['不允许该操作', 'operation not permitted'],
  EROFS: ['文件系统只读', 'the file system is read-only'],
  ENOSPC: ['磁盘已满', 'the disk is full'],
  EDQUOT: ['磁盘配额已满', 'the disk quota is used up'],
  EMFILE: ['打开的文件过多', 'too many open files'],
  ENOTDIR: ['不是文件夹', 'is no folder'],
  EEXIST: ['已存在，但不是文件夹', 'is there, but is no folder'],
  '53100': ['数据库所在磁盘已满', "the database's disk is full"],
  '53200': ['数据库内存不足', 'the database is out of memory'],
}

function systemWords(error: unknown): [string, string] | null {
  const { code, path } = (error ?? {}) as { code?: unknown; path?: unknown }
  const words = typeof code === 'string' && Object.hasOwn(SYSTEM, code) ? SYSTEM[code] : undefined
  if (words === undefined) return null
  const where = typeof path === 'string' ? `${path}：` : ''
  return [
    `失败：${where}${words[0]}（${String(code)}）；请检查 DATA_DIR 等设置所指的位置`,
    `failed: ${typeof path === 'string' ? `${path}: ` : ''}${words[1]} (${String(code)}); check the places that DATA_DIR and the other settings name`,
  ]
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

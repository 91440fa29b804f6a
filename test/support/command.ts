import { dispatch } from '../../src/cli/dispatch.ts'

export interface Ended {
  code: number | null
  out: string
  err: string
}

/** A command in this process, where what matters is what it does. */
export async function within(env: Record<string, string>, ...args: string[]): Promise<Ended> {
  const said: { [stream in 'out' | 'err']: string[] } = { out: [], err: [] }
  const { log, error } = console
  console.log = (line: string) => void said.out.push(line)
  console.error = (line: string) => void said.err.push(line)
  try {
    const code = await dispatch(args, env)
    return { code, out: said.out.join('\n'), err: said.err.join('\n') }
  } finally {
    Object.assign(console, { log, error })
  }
}

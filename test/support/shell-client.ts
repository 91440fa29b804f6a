import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { type Identity, writeIdentity } from '../../src/sandbox/certificate-authority.ts'
import type { Ended } from './command.ts'
import { OPERATOR } from './world.ts'

const version = (command: string): string => {
  const { status, stdout } = spawnSync(command, [command === 'openssl' ? 'version' : '--version'], { encoding: 'utf8' })
  return status === 0 ? stdout : ''
}

/** What of the three is not on this machine, in words; false when all are there. */
export const shellToolsMissing: string | false =
  [
    /^GNU bash, version ([5-9]|4\.[4-9])/.test(version('bash')) ? '' : 'bash',
    /^OpenSSL [3-9]/.test(version('openssl')) ? '' : 'openssl 3',
    version('curl').startsWith('curl ') ? '' : 'curl',
  ]
    .filter((name) => name !== '')
    .map((name) => `${name} is not installed`)
    .join(', ') || false

/** All that the client says that it needs. */
const NEEDED = ['bash', 'openssl', 'curl', 'cat', 'env', 'mktemp', 'mv', 'rm', 'sleep']

/** A folder of these commands and no others, to be all of PATH. */
export async function pathOfNeeded(folder: string): Promise<string> {
  await mkdir(folder)
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  for (const command of NEEDED) {
    const found = folders.map((place) => join(place, command)).find((file) => existsSync(file))
    if (found === undefined) throw new Error(`${command} is not in PATH`)
    await symlink(found, join(folder, command))
  }
  return folder
}

/** Runs the client with arguments as on its command line; `env` wins over its settings. */
export type ShellClient = (
  args: readonly string[],
  more?: { env?: Record<string, string>; input?: string },
) => Promise<Ended>

export interface ShellClientOptions {
  /** Where its files are put. */
  folder: string
  /** All of its PATH. */
  path: string
  baseUrl: string
  identity: Identity
  /** Files of the certificates by which answers may be signed. */
  gatewayCertificates: readonly string[]
}

/** The client of a key that is put on disk beside its settings and its journal, named after its algorithm. */
export async function shellClient(options: ShellClientOptions): Promise<ShellClient> {
  const { folder, path, identity } = options
  const { algorithm } = identity
  await writeIdentity(folder, algorithm, identity)
  const file = join(folder, `${algorithm}.env`)
  const settings = {
    BDC_URL: options.baseUrl,
    BDC_KEY: join(folder, `${algorithm}.key.pem`),
    BDC_CERT: join(folder, `${algorithm}.cert.pem`),
    BDC_GATEWAY_CERTS: options.gatewayCertificates.join(':'),
    BDC_OPERATOR: OPERATOR,
    BDC_JOURNAL: join(folder, `${algorithm}.journal`),
    BDC_FIRST_WAIT: '0',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(file, `# ${algorithm}\n${lines.join('')}`)
  return (args, more = {}) => run(['-e', file, ...args], { PATH: path, ...more.env }, more.input)
}

function run(args: readonly string[], env: Record<string, string>, input: string | undefined): Promise<Ended> {
  return new Promise((settle, reject) => {
    const child = spawn(resolve('clients/shell/bdc.sh'), args, { env })
    const said = { out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (said.out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (said.err += text))
    child.on('error', reject)
    child.on('close', (code) => settle({ code, ...said }))
    child.stdin.end(input)
  })
}

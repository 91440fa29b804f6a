import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type ConfigurationError, describeConfig, loadConfig } from '../../src/config.ts'
import { settings } from '../../src/settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'config-'))
t.teardown(() => rmSync(folder, { recursive: true }))

function faultsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    return (error as ConfigurationError).faults
  }
}

await t.test('every fault of file and environment is told at once, and no secret with it', async (t) => {
  const file = join(folder, 'bad.yaml')
  writeFileSync(file, 'port: many\nnoSuchThing: 1\ncertificateLockedUntilPaid: maybe\n')
  const faults = faultsOf({
    GATEWAY_CONFIG: file,
    LOG_LEVEL: 'loud',
    MASTER_KEY: 'topsecret',
    REGISTRY_URL: 'registry',
  })
  for (const part of [
    'noSuchThing',
    'port (file)',
    'LOG_LEVEL',
    'MASTER_KEY',
    'certificateLockedUntilPaid',
    'REGISTRY_URL',
  ]) {
    t.ok(
      faults.some((fault) => fault.includes(part)),
      part,
    )
  }
  t.notMatch(faults.join(), /topsecret/)
})

await t.test('the environment wins over the file, the file over the default', async (t) => {
  const file = join(folder, 'good.yaml')
  writeFileSync(file, 'port: 1234\nareaCode: "420281"\n')
  const config = loadConfig({ GATEWAY_CONFIG: file, GATEWAY_PORT: '4321' })
  t.match(config, { port: 4321, areaCode: '420281', host: '127.0.0.1' })
})

await t.test('settings that do not fit together are refused', async (t) => {
  t.match(faultsOf({ REGISTRY_TIMEOUT_MS: '60000', REGISTRY_MAXIMUM_MS: '1000' }), [/REGISTRY_MAXIMUM_MS/])
  t.match(faultsOf({ GATEWAY_CONFIG: '/nowhere.yaml' }), [/no file/])
})

await t.test('secrets are told as set or not set, everything else with its unit and meaning', async (t) => {
  const text = describeConfig(loadConfig({ DATABASE_URL: 'postgres://me:hidden@db/x' }))
  t.match(text, /DATABASE_URL=set/)
  t.match(text, /REDIS_URL=not set/)
  t.match(text, /GATEWAY_PORT=8080 TCP port/)
  t.notMatch(text, /hidden/)
  const variables = Object.values(settings).map(({ variable }) => variable)
  t.equal(new Set(variables).size, variables.length, 'no variable twice')
  for (const { about, variable } of Object.values(settings)) t.match(about, /\.$/, `${variable} has a sentence`)
})

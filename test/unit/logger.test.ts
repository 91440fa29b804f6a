import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openLogger } from '../../src/logger.ts'

await t.test('a line has the fields of the list and no others, whatever is given', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const log = openLogger('info', join(folder, 'log'))
  const secret = '42022219030512001X'
  log.info(
    { route: '/v1/x', status: 200, name: 'ok', body: secret, headers: { a: secret }, err: new Error(secret) },
    'a line',
  )
  log.error(new Error(secret))
  log.info({ error: { message: { deep: secret } }, where: Buffer.from(secret) }, 'another')
  const lines = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n')
  t.equal(lines.length, 3)
  for (const line of lines) {
    t.notMatch(line, secret)
    t.strictSame(
      Object.keys(JSON.parse(line) as object).filter((key) => ['body', 'headers', 'err', 'stack'].includes(key)),
      [],
    )
  }
  t.match(JSON.parse(lines[0] as string), { level: 'info', route: '/v1/x', status: 200, name: 'ok', msg: 'a line' })
})

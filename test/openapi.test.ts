import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import t from 'tap'
import { request } from 'undici'
import { problems } from '../src/base/problem-catalogue.ts'
import { factNames } from '../src/cases/facts.ts'
import { at, Documented, type Node, operationsOf, readDocument, there } from './support/documented.ts'
import { startWorld } from './support/world.ts'

const { gateway } = await startWorld(t)
const document = await readDocument(gateway.url)
const operations = operationsOf(document)

await t.test('every route is described', async (t) => {
  const bank = gateway.server.described.filter(({ url }) => url.startsWith('/v1/'))
  t.ok(bank.length > 8)
  t.strictSame(
    bank.filter(({ api }) => api === undefined).map(({ method, url }) => `${method} ${url}`),
    [],
    'add `config: { api }` to the route; see docs/architecture.md',
  )
  t.strictSame(
    bank.filter(({ api }) => api !== undefined && api !== null && !api.signed),
    [],
    'all of it is signed',
  )
  t.strictSame(
    gateway.server.described.filter(({ api }) => api === undefined).map(({ url }) => url),
    [],
    'add `config: { api }` to the route; `api: null` is for methods that an address does not take',
  )
  const described = new Set(operations.map(([method, path]) => `${method} ${path}`))
  const others: string[] = []
  for (const { method, url } of gateway.server.described) {
    const name = `${method.toLowerCase()} ${url.replaceAll(/:(\w+)/g, '{$1}')}`
    if (described.delete(name)) continue
    // What an address does not take is answered with 405.
    if (!operations.some(([, path]) => name.endsWith(` ${path}`))) others.push(name)
  }
  t.strictSame([...described], [], 'and nothing else')
  t.strictSame(others, [])
})

/**
 * Codes that only commands tell: those that no file names but files of the command line and of the administration, which
 * is done by commands alone.
 */
function codesOfCommands(): string[] {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== join('base', 'problem-catalogue.ts'))
    .map((file) => ({ file, text: readFileSync(join('src', file), 'utf8') }))
  return Object.keys(problems).filter((code) => {
    const naming = files.filter(({ text }) => text.includes(`'${code}'`))
    return naming.length > 0 && naming.every(({ file }) => /^cli\b|\badministration\b/.test(file))
  })
}

await t.test('the document is OpenAPI 3.1, and whole', async (t) => {
  const answered = await request(`${gateway.url}/openapi.json`)
  await answered.body.dump()
  t.equal(answered.statusCode, 200)
  t.match(answered.headers['content-type'], /^application\/json/)
  t.equal(document['openapi'], '3.1.0')
  const found = await lintFromString({
    source: JSON.stringify(document),
    absoluteRef: 'openapi.json',
    config: await createConfig({ extends: ['recommended'] }),
  })
  t.strictSame(
    found
      .filter(({ severity }) => severity === 'error')
      .map(({ ruleId, message, location }) => `${ruleId}: ${message} (${location[0]?.pointer})`),
    [],
    'the linter has nothing against it',
  )

  const references: string[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      if (key === '$ref' && typeof inner === 'string') references.push(inner)
      else visit(inner)
      if (key === '$id' || key.startsWith('x-')) references.push(`${key} has no place here`)
    }
  }
  visit(document)
  t.ok(references.length > 100)
  t.strictSame(
    references.filter((one) => !one.startsWith('#/') || at(document, one.slice(2).split('/')) === undefined),
    [],
    'every reference leads to a place in the document',
  )

  const ids = operations.map(([, , operation]) => operation['operationId'])
  t.equal(new Set(ids).size, ids.length)
  const tags = new Set((document['tags'] as Node[]).map(({ name }) => name))
  for (const [method, path, operation] of operations) {
    const own = (operation['parameters'] as Node[]).filter((one) => one['in'] === 'path').map(({ name }) => name)
    t.strictSame(
      own,
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      `${method} ${path}: its parameters`,
    )
    t.ok((operation['tags'] as string[]).every((tag) => tags.has(tag)))
    t.match(operation['summary'], /^.*\p{Script=Han}.* \/ [ -~]+$/u, 'Chinese, then English')
  }
})

await t.test('signing, headers, refusals and events are in it', async (t) => {
  const post = there(document, 'paths', '/v1/applications', 'post')
  t.strictSame(post['security'], [{ httpSignature: [] }])
  const names = (post['parameters'] as Node[])
    .map((one) => at(document, String(one['$ref']).slice(2).split('/')))
    .map((one) => one?.['name'])
  for (const name of ['Idempotency-Key', 'X-Operator', 'Signature', 'Signature-Input', 'Content-Digest'])
    t.ok(names.includes(name), name)
  t.ok(at(post, ['responses', '202', 'headers', 'Trace-Receipt']))
  const refused = (response: unknown): string[] => {
    const schema = at(response, ['content', 'application/problem+json', 'schema', 'allOf', '1', 'properties', 'code'])
    return (schema?.['enum'] ?? []) as string[]
  }
  const conflicts = refused(there(post, 'responses', '409'))
  for (const code of ['idempotency-conflict', 'bank-reference-used', 'request-in-progress'])
    t.ok(conflicts.includes(code), code)
  for (const [, , operation] of operations) {
    for (const [status, response] of Object.entries(operation['responses'] as Node)) {
      for (const code of refused(response) as (keyof typeof problems)[])
        if (String(problems[code].status) !== status) t.fail(`${code} is not ${status}`)
    }
  }
  const codes = new Set(operations.flatMap(([, , { responses }]) => Object.values(responses as Node).flatMap(refused)))
  // Told by addresses, whatever the call: in words.
  const described = String(there(document, 'info')['description'])
  for (const [, code = ''] of described.matchAll(/`([a-z-]+)`/g)) if (code in problems) codes.add(code)
  t.strictSame([...codes, ...codesOfCommands()].sort(), Object.keys(problems).sort(), 'each code, once')
  const ofCases = [...factNames, 'completed', 'withdrawal-requested', 'correction-answered']
  const ofQueries = ['query-answered', 'query-failed']
  const typesOf = (schema: string) =>
    [...(there(document, 'components', 'schemas', schema, 'properties', 'type')['enum'] as string[])].sort()
  t.strictSame(typesOf('case-event'), ofCases.sort())
  t.strictSame(typesOf('query-event'), ofQueries)
  const pushed = Object.keys(document['webhooks'] as Node).sort()
  t.strictSame(pushed, [...ofCases, ...ofQueries, 'test'].sort(), 'each event')
})

await t.test('every example is as its schema says', async (t) => {
  const documented = new Documented(document)
  let examples = 0
  const visit = (value: unknown, way: string[]): void => {
    if (typeof value !== 'object' || value === null) return
    const { schema, example } = value as Node
    if (schema !== undefined && example !== undefined) {
      examples += 1
      t.strictSame(documented.against([...way, 'schema'], example), [], way.join(' '))
      return
    }
    for (const [key, inner] of Object.entries(value)) visit(inner, [...way, key])
  }
  visit(document['paths'], ['paths'])
  visit(document['webhooks'], ['webhooks'])
  visit(at(document, ['components', 'parameters']), ['components', 'parameters'])
  t.ok(examples > 50)
})

await t.test('the page can be read with nothing but itself', async (t) => {
  const response = await request(`${gateway.url}/docs`)
  const html = await response.body.text()
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], /^text\/html; charset=utf-8/)
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  const policy = String(response.headers['content-security-policy'])
  t.match(policy, "default-src 'none'")
  t.ok(policy.includes(`style-src 'sha256-${hash}'`), 'its one style is the one that the policy lets in')
  t.notMatch(policy, /unsafe|https?:|\*/)
  t.notMatch(html, /<script|<img|<iframe|<link|\son\w+=|javascript:|style="|@import|url\(/i)
  t.strictSame(
    [...html.matchAll(/\s(?:href|src|action)="([^"]*)"/g)]
      .map(([, to = '']) => to)
      .filter((to) => to !== '/openapi.json' && !(to.startsWith('#') && html.includes(`id="${to.slice(1)}"`))),
    [],
    'links lead to places of the page',
  )
  t.match(html, '<html lang="zh-CN">')
  const open: string[] = []
  for (const [, slash, name = ''] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>/g)) {
    if (['meta', 'br'].includes(name)) continue
    if (slash === '') open.push(name)
    else if (open.pop() !== name) t.fail(`</${name}> closes something else`)
  }
  t.strictSame(open, [], 'every element is closed')
  for (const [, path] of operations) t.ok(html.includes(path), path)
  for (const name of Object.keys(at(document, ['components', 'schemas']) ?? {}))
    t.ok(html.includes(`id="schema-${name}"`), name)
})

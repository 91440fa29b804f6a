import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { settings } from '../../src/settings.ts'

const english = readFileSync('README.md', 'utf8')
const chinese = readFileSync('README.zh.md', 'utf8')

const commands = (page: string): string[] =>
  [...page.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) =>
    block.split('\n').map((line) => line.replace(/\s+#.*/, '')),
  )
const names = (page: string): string[] =>
  [...new Set([...page.replaceAll(/```[^]*?```/g, '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))].sort()
const links = (page: string): string[] =>
  [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target.replace('README.zh.md', 'README.md')).sort()

await t.test('both READMEs name the same commands, calls, settings and pages', (t) => {
  t.ok(commands(english).length > 8)
  t.strictSame(commands(chinese), commands(english))
  t.strictSame(names(chinese), names(english))
  t.strictSame(links(chinese), links(english))
  t.end()
})

await t.test('what they name is there', (t) => {
  for (const page of [...links(english), 'README.zh.md']) t.ok(existsSync(page), page)
  const variables = new Set<string>(Object.values(settings).map(({ variable }) => variable))
  const named = names(english).filter((name) => /^[A-Z]+_[A-Z_]+$/.test(name) && name !== 'GATEWAY_CONFIG')
  t.ok(named.length > 8)
  for (const name of named) t.ok(variables.has(name), name)
  t.end()
})

await t.test('what the image is made of is there, and is let into its build', (t) => {
  const copied = [...readFileSync('Dockerfile', 'utf8').matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  )
  const allowed = readFileSync('.dockerignore', 'utf8').trim().split('\n')
  t.equal(allowed[0], '*')
  for (const name of copied) t.ok(existsSync(name), name)
  t.strictSame(
    [...new Set(copied)].sort(),
    allowed
      .slice(1)
      .map((line) => line.slice(1))
      .sort(),
  )
  t.end()
})

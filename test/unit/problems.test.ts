import { readFileSync } from 'node:fs'
import t from 'tap'
import { problems } from '../../src/base/problem-catalogue.ts'
import { ruleFaults } from '../../src/cases/rules/faults.ts'

const page = readFileSync('docs/problems.md', 'utf8')

await t.test(
  'every problem has its heading in docs/problems.md with status and titles, and every heading its problem',
  async (t) => {
    const headings = [...page.matchAll(/^### (\S+)$/gm)].map((match) => match[1] as string)
    t.strictSame([...headings].sort(), Object.keys(problems).sort())
    for (const [code, { status, title, titleEn }] of Object.entries(problems)) {
      t.match(page, `### ${code}\n\n${status} · ${title} · ${titleEn}.`, code)
      t.match(title, /\p{Script=Han}/u, `${code} has a Chinese title`)
    }
  },
)

await t.test('every fault of a business rule stands in the table, and no other', async (t) => {
  const rows = [...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((match) => match[1] as string)
  t.strictSame([...rows].sort(), Object.keys(ruleFaults).sort())
})

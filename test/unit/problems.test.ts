import { readFileSync } from 'node:fs'
import t from 'tap'
import { addressFaults } from '../../src/bank/webhook-address.ts'
import { problems } from '../../src/base/problem-catalogue.ts'
import { ruleFaults } from '../../src/cases/rules/faults.ts'
import { shapeFaults } from '../../src/http/validator.ts'
import { placeDetails } from '../../src/mapping/faults.ts'

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

await t.test('every fault stands in the table of its kind, and no other', async (t) => {
  for (const [heading, codes] of [
    ['Faults of a body', { ...shapeFaults, ...placeDetails }],
    ['Faults of a webhook address', addressFaults],
    ['Faults of business rules', ruleFaults],
  ] as const) {
    const [, section = ''] = page.split(`\n## ${heading}\n`)
    const table = section.split('\n## ')[0] as string
    const rows = [...table.matchAll(/^\| `([a-z0-9-]+)` \| \S.* \| \S.* \|$/gm)].map((match) => match[1] as string)
    t.strictSame([...rows].sort(), Object.keys(codes).sort(), heading)
  }
})

await t.test('titles of what several calls are refused by speak of none of them', async (t) => {
  for (const code of ['business-rule-violated', 'business-type-not-granted', 'area-not-granted'] as const) {
    const { title, titleEn } = problems[code]
    t.notMatch(title, /申请|办理/, code)
    t.notMatch(titleEn, /application|\bfil(e|ing)\b/i, code)
  }
})

import { type Person, type QueryPage, RefusedError } from '../../clients/typescript/src/index.ts'
import { sampleCase } from '../sandbox/sample-case.ts'
import type { DemoReport, Narrator } from './demo-report.ts'
import type { DemoWorld } from './demo-world.ts'

/** The owner of the sample's first flat, and somebody who owns none of it. */
const OWNER = { name: '柯𠮷明', idType: 'resident-id', idNumber: '42022219030512001X' } as const satisfies Person
const STRANGER = { name: '示例人甲', idType: 'resident-id', idNumber: '420222190606060030' } as const satisfies Person
const FLAT = '鄂(2019)阳新县不动产权第0003112号'
const DAY_MS = 86_400_000

/**
 * Before the bank files: it looks at the register under the owner's authorization; once beyond its scope, which is
 * refused, and once under the authorization of somebody who is no holder, of which nothing but "no match" comes.
 */
export async function askRegister(
  world: DemoWorld,
  tell: Narrator,
): Promise<{ query: DemoReport['query']; authorizationId: string }> {
  const { client } = world.bank
  const authorizationId = await tell.step('authorization registered', '权利人的查询授权书登记', () =>
    authorize(world, OWNER),
  )
  const ask = (authorization: string, level: 'flags' | 'detail' = 'flags') =>
    client.query({
      level,
      certificateNumber: FLAT,
      holder: OWNER,
      purpose: 'mortgage-registration',
      authorizationId: authorization,
    })
  const fields = await tell.step('query answered', '授权查询：核验标志与权利人（证件号脱敏）', async () => {
    const { data, receipt } = await ask(authorizationId)
    if (data.state !== 'answered' || data.code !== 'match') throw new Error('the owner’s flat was not found')
    const recorded = await recordedFields(world, data.id)
    const left = leavesOf(data)
    if (recorded.map((field) => field.replace(/:masked$/, '')).join() !== left.join())
      throw new Error(`the record lists ${recorded.join()}, the bank got ${left.join()}`)
    if (receipt === '') throw new Error('the answer has no receipt')
    return recorded
  })
  const refusedCode = await tell.step('query beyond scope refused', '超出查询范围：被拒绝', async () => {
    try {
      await ask(authorizationId, 'detail')
    } catch (error) {
      if (error instanceof RefusedError) return error.code
      throw error
    }
    throw new Error('a query beyond the scope was answered')
  })
  const notHolderCode = await tell.step('authorizer is no holder', '授权人不是权利人：不匹配，别无其他', async () => {
    const { data } = await ask(await authorize(world, STRANGER))
    if (data.state !== 'answered') throw new Error('the registry did not answer')
    if (data.property !== null || data.holders.length > 0) throw new Error('something left for a stranger')
    return data.code
  })
  return { query: { fields, refusedCode, notHolderCode }, authorizationId }
}

async function authorize({ bank }: DemoWorld, authorizer: Person): Promise<string> {
  const [scan] = sampleCase().materials
  if (scan === undefined) throw new Error('the sample has no material')
  const letter = await bank.client.uploadMaterial({ bytes: scan.bytes }, scan.contentType)
  const day = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)
  const { data } = await bank.client.createAuthorization({
    authorizer,
    certificateNumber: FLAT,
    purpose: 'mortgage-registration',
    level: 'detail',
    validFrom: day(-1),
    validTo: day(29),
    evidence: { materialId: letter.data.id, kind: 'paper-scan', signedAt: new Date().toISOString() },
  })
  return data.id
}

/** What the trace says has left, of this query. */
async function recordedFields({ gateway }: DemoWorld, queryId: string): Promise<string[]> {
  const { rows } = await gateway.ground.pool.query<{ bytes: Buffer }>(
    `select bytes from trace_record where type = 'disclosure' order by id desc limit 20`,
  )
  for (const { bytes } of rows) {
    const { facts } = JSON.parse(bytes.toString()) as { facts: { queryId?: string; fields?: string[] } }
    if (facts.queryId === queryId) return facts.fields ?? []
  }
  throw new Error('the query has no record')
}

/** The leaves of an answer that hold something, as the bank sees them. */
function leavesOf({ code, property, flags, holders, ownership, mortgages }: QueryPage): string[] {
  const found = new Set<string>()
  const visit = (value: unknown, path: readonly string[]): void => {
    if (value === null) return
    if (Array.isArray(value)) for (const one of value) visit(one, path)
    else if (typeof value === 'object') for (const [name, inner] of Object.entries(value)) visit(inner, [...path, name])
    else found.add(path.join('.'))
  }
  visit({ code, property, flags, holders, ownership, mortgages }, [])
  return [...found].sort()
}

import t from 'tap'
import type * as Generated from '../../src/base/canonical.ts'
import type { Application, NormalisedCase } from '../../src/cases/application.ts'

// Compiling is the test: whatever the schemas let through, the rules can read, and what is kept is what mappings read.
const readable = (application: Generated.Application): Application => application
const kept = (document: Generated.Case): NormalisedCase => document

await t.test('documents of the schemas are documents of the rules', async (t) => {
  t.type(readable, 'function')
  t.type(kept, 'function')
})

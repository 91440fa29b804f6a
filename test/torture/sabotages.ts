import type { Sabotage } from './armed-build.ts'

/** Each takes one dealing with faults out of the build; the torture must find that it is gone. */
export const sabotages: Readonly<Record<string, Sabotage>> = {
  'look-up-before-resend': {
    file: 'registry/destination.js',
    from: "(kind === 'SUBMIT' || isRequest(kind) ? 'inquire' : 'resend')",
    to: "'resend'",
  },
  'lease-expiry': { file: 'delivery/reconciler.js', from: 'await this.#settleExpired();', to: '' },
  'commit-look-up': {
    file: 'db/batch.js',
    from: 'const durable = await this.#lookUp(batchId);',
    to: "const durable = 'committed';",
  },
  'stored-answer': {
    file: 'intake/idempotency.js',
    from: 'return rows[0];\n}\n/**\n * Forgets',
    to: 'return undefined;\n}\n/**\n * Forgets',
  },
  'disclosure-record': { file: 'bank/query-answers.js', from: '    act.addTo(rows);\n', to: '' },
}

// The direction of imports: a room imports from the rows below it only, never from its own row.
const rows = [
  ['base'],
  ['db', 'http'],
  ['trace'],
  ['mapping', 'trust', 'materials', 'access', 'delivery', 'intake'],
  ['cases', 'queries'],
  ['bank', 'platform', 'registry'],
]
const forbidden = [
  { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  { name: 'src-not-test', severity: 'error', from: { path: '^src' }, to: { path: '^test' } },
  {
    name: 'rooms-not-root',
    severity: 'error',
    from: { path: '^src/[^/]+/', pathNot: '^src/cli/' },
    to: { path: '^src/(gateway|inbound|work|outbound|ground|main)\\.ts$' },
  },
  {
    name: 'rooms-not-config',
    comment: 'Rooms are given the few values they use, never the whole configuration.',
    severity: 'error',
    from: { path: '^src/[^/]+/', pathNot: '^src/cli/' },
    to: { path: '^src/(config|settings|counterparty-settings|setting-kinds)\\.ts$' },
  },
  {
    name: 'sandbox-alone',
    comment: 'The counterparties share no mapping, trust or channel code, so that a shared bug cannot hide.',
    severity: 'error',
    from: { path: '^src/sandbox/' },
    to: { path: '^src/', pathNot: '^src/(sandbox|base|http)/' },
  },
  {
    name: 'client-alone',
    comment: 'A bank copies the folder: nothing in it leads out of it, and it has no dependencies but node.',
    severity: 'error',
    from: { path: '^clients/([^/]+)/' },
    to: { pathNot: '^clients/$1/', dependencyTypesNot: ['core'] },
  },
  {
    name: 'client-is-the-banks',
    comment: 'Both sides would share a bug; only the demo plays the bank.',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/cli/demo' },
    to: { path: '^clients/' },
  },
  {
    name: 'mapping-is-pure',
    severity: 'error',
    from: { path: '^src/mapping/' },
    to: { path: 'node_modules/(pg|undici|fastify|bullmq|ioredis)/' },
  },
]
rows.forEach((row, level) => {
  for (const room of row) {
    const banned = [...rows.slice(level + 1).flat(), ...row.filter((other) => other !== room), 'sandbox', 'cli']
    forbidden.push({
      name: `${room}-imports-only-below`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: `^src/(${banned.join('|')})/` },
    })
  }
})
module.exports = {
  forbidden,
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
  },
}

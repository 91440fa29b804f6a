import { runCounterparty } from './counterparty-process.ts'
import { openRegistry } from './registry.ts'

await runCounterparty(({ dir, config }) => openRegistry(dir, config))

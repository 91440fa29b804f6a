import { runCounterparty } from './counterparty-process.ts'
import { openPlatform } from './platform.ts'

await runCounterparty(({ dir, config }) => openPlatform(dir, config))

import { createRequire } from 'node:module'

const NAME = 'node-red'

/** Node-RED is measured where it is installed; it is nothing that we install. */
export function nodeRedVersion(): string | null {
  try {
    const require = createRequire(import.meta.url)
    return (require(`${NAME}/package.json`) as { version: string }).version
  } catch {
    return null
  }
}

import { cpSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A place where the gateway deals with faults, and the compiled text that takes its dealing away. */
export interface Sabotage {
  file: string
  from: string
  to: string
}

/**
 * The compiled product with armed fault points, in a folder of its own beside it; the product is not touched.
 * @param sabotage what is taken out of this build, to see the torture fail.
 * @returns the main module.
 */
export function armedBuild(sabotage?: Sabotage): string {
  if (!existsSync('dist/src/main.js')) throw new Error('nothing is built: npm run build')
  const home = join('dist', sabotage === undefined ? 'armed' : 'sabotaged')
  rmSync(home, { recursive: true, force: true })
  cpSync('dist/src', join(home, 'dist', 'src'), { recursive: true })
  for (const name of ['mappings', 'schemas', 'certs']) symlinkSync(join('..', '..', name), join(home, name))
  cpSync('dist/test/torture/armed-fault-point.js', join(home, 'dist/src/base/fault-point.js'))
  if (sabotage !== undefined) {
    const file = join(home, 'dist/src', sabotage.file)
    const text = readFileSync(file, 'utf8')
    if (text.split(sabotage.from).length !== 2) throw new Error(`${sabotage.file} is not what it was`)
    writeFileSync(file, text.replace(sabotage.from, sabotage.to))
  }
  return join(home, 'dist/src/main.js')
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** The same schema by the same validator, that stops at the first fault. */
export function validator(schemasDir: string, name: string): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, validateSchema: false })
  addFormats.default(ajv)
  const folder = join(schemasDir, 'canonical')
  for (const file of readdirSync(folder)) {
    if (file.endsWith('.schema.json')) ajv.addSchema(JSON.parse(readFileSync(join(folder, file), 'utf8')) as object)
  }
  const validate = ajv.getSchema(`canonical/${name}.schema.json`)
  if (validate === undefined) throw new Error(`there is no schema ${name}`)
  return validate
}

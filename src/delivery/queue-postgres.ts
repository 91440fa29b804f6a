import { createPostgresBackend, runMigrations, withBackend } from 'bullmq'
import pg from 'pg'
import { type JobStore, jobOptions, type OnFault, QUEUE_NAME, workerOptions } from './job-store.ts'

const { Queue, Worker } = withBackend(createPostgresBackend)

/**
 * Jobs in a schema of their own beside the gateway's. It is migrated before anything uses it: a worker on an unmigrated
 * schema spins.
 */
export async function postgresStore(databaseUrl: string, prefix: string, onFault: OnFault): Promise<JobStore> {
  const schema = `${prefix.toLowerCase().replaceAll('-', '_')}_queue`
  const own = new pg.Pool({ connectionString: databaseUrl, max: 1, application_name: 'bdc-gateway queue' })
  own.on('error', (error) => onFault('queue', error))
  own.on('connect', (client) => client.on('error', (error) => onFault('queue', error)))
  try {
    await migrateOrRenew(own, schema)
  } catch (error) {
    await own.end()
    throw error
  }
  const connection = { connectionString: databaseUrl, schema, max: 2, application_name: 'bdc-gateway queue' }
  const queue = new Queue(QUEUE_NAME, { connection })
  queue.on('error', (error) => onFault('queue', error))
  return {
    // The database that all else rests on: not away alone.
    isUp: () => true,
    add: async (endpoint) => void (await queue.add(endpoint, {}, jobOptions(endpoint))),
    startWorker: (handle) => {
      const worker = new Worker(QUEUE_NAME, async ({ name }) => handle(name), { connection, ...workerOptions })
      worker.on('error', (error) => onFault('queue worker', error))
      return worker
    },
    repair: async () => {
      const { rows } = await own.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
        `"${schema}".job`,
      ])
      if (rows[0]?.there === true) return
      await renew(own, schema)
    },
    close: async () => {
      await queue.close()
      await own.end()
    },
  }
}

/** A store that was emptied with its list of migrations, or half dropped, refuses to be migrated: it is made anew. */
async function migrateOrRenew(pool: pg.Pool, schema: string): Promise<void> {
  try {
    await migrate(pool, schema)
  } catch (error) {
    // Class 42: objects that are there already, or are not there where they should be.
    if ((error as { code?: string }).code?.startsWith('42') !== true) throw error
    await renew(pool, schema)
  }
}

/** The schema is ours alone, and what it held was hints. */
async function renew(pool: pg.Pool, schema: string): Promise<void> {
  await pool.query(`drop schema if exists "${schema}" cascade`)
  await migrate(pool, schema)
}

async function migrate(pool: pg.Pool, schema: string): Promise<void> {
  const client = await pool.connect()
  let broken = true
  try {
    await runMigrations(client, schema)
    broken = false
  } finally {
    client.release(broken)
  }
}

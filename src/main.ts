#!/usr/bin/env node
import { dispatch } from './cli/dispatch.ts'

// Whoever reads our output may stop reading: `| head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await dispatch(process.argv.slice(2), process.env)

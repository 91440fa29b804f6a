/** True when the connection broke, so that nothing is known of what was under way. */
export function isConnectionLost(error: unknown): boolean {
  const code = (error as { code?: string }).code
  if (
    code !== undefined &&
    /^(08...|57P0[123]|ECONN\w+|EPIPE|E(TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN))$/.test(code)
  )
    return true
  const message = error instanceof Error ? error.message : ''
  return /Connection terminated|connection.*closed|not queryable|Client was closed|Query read timeout|timeout exceeded when trying to connect/i.test(
    message,
  )
}

import pino, { type Logger } from 'pino'

/**
 * The only fields that a log line may have; all else is dropped, whoever logs it. Values are words, numbers and ids of
 * ours: nested objects, errors, buffers, headers and addresses of requests never pass.
 */
const ALLOWED = new Set(
  [
    'requestId method route status ms account code',
    'endpoint messageId caseId kind what attempt cursor fence outcome became durationMs',
    'where chore error name frames cause',
    'url port folder adopted stopped version signal size',
  ].flatMap((names) => names.split(' ')),
)
const LONGEST_VALUE = 2000

export function allowedFields(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (!ALLOWED.has(name)) continue
    if (typeof value === 'string') kept[name] = value.slice(0, LONGEST_VALUE)
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) kept[name] = value
    // The HTTP edge describes an error as a flat record of words, never with its message.
    else if (name === 'error' && isWords(value)) kept[name] = value
  }
  return kept
}

function isWords(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string')
}

/** One JSON object a line, to standard output or a file descriptor. */
export function openLogger(level: string, destination: number | string = 1): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: allowedFields },
      // An error given by mistake is dropped, not serialised.
      serializers: { err: () => undefined },
    },
    pino.destination({ dest: destination, sync: true }),
  )
}

import pino, { type Logger } from 'pino'

/**
 * The only fields that a log line may have; all else is dropped, whoever logs it. Values are words, numbers and ids of
 * ours: nested objects, errors, buffers, headers and addresses of requests never pass.
 */
const ALLOWED = new Set(
  [
    'requestId method route status ms account code traceparent',
    'queryId reason',
    'endpoint messageId caseId kind what attempt cursor fence outcome became durationMs',
    'where chore error name frames cause',
    'url port folder adopted stopped version signal size',
  ].flatMap((names) => names.split(' ')),
)
const LONGEST_VALUE = 2000

function allowedFields(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (!ALLOWED.has(name)) continue
    if (typeof value === 'string') kept[name] = value.slice(0, LONGEST_VALUE)
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) kept[name] = value
    // The HTTP edge describes an error as a flat record of words.
    else if (name === 'error' && typeof value === 'object' && value !== null) kept[name] = errorWords(value)
  }
  return kept
}

/** Never its message: messages quote values. */
function errorWords(error: object): Record<string, string> {
  const words: Record<string, string> = {}
  for (const name of ['name', 'code', 'frames', 'cause']) {
    const value = (error as Record<string, unknown>)[name]
    if (typeof value === 'string') words[name] = value.slice(0, LONGEST_VALUE)
  }
  return words
}

/** The fixed sentence of a line; ours are plain English, so that a value in its place is seen and dropped. */
function sentenceOf(first: unknown, second: unknown): string | undefined {
  const sentence = typeof first === 'string' ? first : second
  if (typeof sentence !== 'string') return undefined
  return /^[ -~]{1,200}$/.test(sentence) && !/\d{6}/.test(sentence) ? sentence : 'a sentence that is none'
}

/** One JSON object a line, to standard output or a file descriptor. */
export function openLogger(level: string, destination: number | string = 1): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: allowedFields },
      // An error given by mistake is dropped, not serialised.
      serializers: { err: () => undefined },
      hooks: {
        // Fields and a fixed sentence, no more: pino would take an error's message for the sentence, and put values in it.
        logMethod([first, second], method) {
          const fields = typeof first === 'object' && first !== null && !(first instanceof Error) ? first : {}
          method.call(this, fields, sentenceOf(first, second))
        },
      },
    },
    pino.destination({ dest: destination, sync: true }),
  )
  // Pino's own formatter of a child's fields is not asked for children.
  const child = log.child
  log.child = function allowed(this: Logger, fields: object, ...more: never[]) {
    return child.call(this, allowedFields(fields as Record<string, unknown>), ...more)
  } as typeof log.child
  return log
}

import { integer, networks, optional, type Setting, text, URL_FORM } from './setting-kinds.ts'

/** Settings of those whom the gateway calls, and of how it delivers to them. */
export const counterpartySettings = {
  // counterparties
  platformUrl: optional({
    variable: 'PLATFORM_URL',
    ...URL_FORM,
    about: 'Base address of the platform 一事联办. Without it cases wait.',
  }),
  platformConcurrency: integer({
    variable: 'PLATFORM_CONCURRENCY',
    unit: 'calls',
    fallback: 8,
    min: 1,
    max: 200,
    about: 'Calls to the platform at once.',
  }),
  platformTimeoutMs: integer({
    variable: 'PLATFORM_TIMEOUT_MS',
    unit: 'ms',
    fallback: 20_000,
    min: 100,
    max: 600_000,
    about: 'Longest wait for an answer of the platform.',
  }),
  platformId: text({
    variable: 'PLATFORM_ID',
    fallback: 'yx',
    pattern: /^[a-z0-9][a-z0-9-]{0,31}$/,
    form: 'lower-case letters, digits and -',
    about: 'Id of the platform in the address of its callbacks, /platform/{id}/v1/callbacks.',
  }),
  platformCertificates: optional({
    variable: 'PLATFORM_CERTIFICATES',
    about:
      'PEM files, separated by commas, of the certificates by which the platform signs. Without it callbacks are refused.',
  }),
  registryUrl: optional({
    variable: 'REGISTRY_URL',
    ...URL_FORM,
    about: 'Address of the registry. Without it cases wait.',
  }),
  registryFilesUrl: optional({
    variable: 'REGISTRY_FILES_URL',
    ...URL_FORM,
    about: "Base of the registry's file addresses (FJNRURL); default files/ beside REGISTRY_URL.",
  }),
  registryConcurrency: integer({
    variable: 'REGISTRY_CONCURRENCY',
    unit: 'calls',
    fallback: 4,
    min: 1,
    max: 100,
    about: 'Calls to the registry at once, polls included.',
  }),
  registryTimeoutMs: integer({
    variable: 'REGISTRY_TIMEOUT_MS',
    unit: 'ms',
    fallback: 60_000,
    min: 100,
    max: 600_000,
    about: 'Longest wait for an answer of the registry.',
  }),
  registryMaximumMs: integer({
    variable: 'REGISTRY_MAXIMUM_MS',
    unit: 'ms',
    fallback: 120_000,
    min: 100,
    max: 3_600_000,
    about: 'After this long the registry has surely decided on what it got: earliest look-up after an unknown outcome.',
  }),
  registryHintSecret: optional({
    variable: 'REGISTRY_HINT_SECRET',
    secret: true,
    about: 'Secret with which the registry may hint that something happened; without it hints are refused.',
  }),
  // webhooks of banks
  webhookAllowCidr: networks({
    variable: 'WEBHOOK_ALLOW_CIDR',
    fallback: [],
    about: 'Ranges of inner addresses that webhooks may have, by plain http too; all others must be public and https.',
  }),
  webhookTimeoutMs: integer({
    variable: 'WEBHOOK_TIMEOUT_MS',
    unit: 'ms',
    fallback: 10_000,
    min: 100,
    max: 60_000,
    about: "Longest wait for an answer of a bank's webhook.",
  }),
  webhookCaFile: optional({
    variable: 'WEBHOOK_CA_FILE',
    about: "CAs (PEM) that the TLS certificates of webhooks may come from, beside Node's own list.",
  }),
  // delivery
  leaseMarginMs: integer({
    variable: 'LEASE_MARGIN_MS',
    unit: 'ms',
    fallback: 15_000,
    min: 100,
    max: 600_000,
    about: 'A lease lasts the longest wait for an answer plus this.',
  }),
  backoffMs: integer({
    variable: 'DELIVERY_BACKOFF_MS',
    unit: 'ms',
    fallback: 2_000,
    min: 10,
    max: 600_000,
    about: 'First wait before a failed push is tried again; doubles each time, spread by 20 %.',
  }),
  backoffCapMs: integer({
    variable: 'DELIVERY_BACKOFF_CAP_MS',
    unit: 'ms',
    fallback: 1_800_000,
    min: 10,
    max: 86_400_000,
    about: 'Longest wait before a failed push is tried again.',
  }),
  attemptsMaximum: integer({
    variable: 'DELIVERY_ATTEMPTS_MAXIMUM',
    unit: 'attempts',
    fallback: 80,
    min: 1,
    max: 10_000,
    about: 'Attempts after which a message becomes a dead letter.',
  }),
  reconcileMs: integer({
    variable: 'RECONCILE_MS',
    unit: 'ms',
    fallback: 1_000,
    min: 50,
    max: 60_000,
    about: 'How often due work without a wake-up is looked for.',
  }),
  pollFirstMs: integer({
    variable: 'POLL_FIRST_MS',
    unit: 'ms',
    fallback: 60_000,
    min: 10,
    max: 3_600_000,
    about: 'First wait before the registry is asked for progress; backs off from here.',
  }),
  pollCapMs: integer({
    variable: 'POLL_CAP_MS',
    unit: 'ms',
    fallback: 1_800_000,
    min: 10,
    max: 86_400_000,
    about: 'Longest wait between two questions about a case.',
  }),
} satisfies Record<string, Setting<unknown>>

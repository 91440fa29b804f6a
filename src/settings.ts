import { counterpartySettings } from './counterparty-settings.ts'
import { choice, flag, integer, networks, optional, type Setting, text, URL_FORM } from './setting-kinds.ts'

/**
 * Every setting: its variable, unit, default and a sentence. Endpoints' states, access and trust are not here: they are
 * rows and files that change while the gateway runs.
 */
export const settings = {
  // process
  dataDir: text({
    variable: 'DATA_DIR',
    fallback: 'data',
    about: 'Folder of the embedded database, keys, materials and checkpoints.',
  }),
  host: text({ variable: 'GATEWAY_HOST', fallback: '127.0.0.1', about: 'Address to listen on.' }),
  port: integer({
    variable: 'GATEWAY_PORT',
    unit: 'TCP port',
    fallback: 8080,
    min: 0,
    max: 65535,
    about: 'Port of the bank API; 0 picks a free one.',
  }),
  publicUrl: optional({
    variable: 'PUBLIC_URL',
    ...URL_FORM,
    about:
      'Address under which banks reach the gateway: @target-uri of their signatures. Without it, the address it listens on.',
  }),
  role: choice({
    variable: 'GATEWAY_ROLE',
    fallback: 'all',
    of: ['all', 'api', 'worker'],
    about:
      'What this process does: api answers calls, worker delivers, polls, seals and keeps house, all does both. Other than all needs DATABASE_URL and SHARED_STORAGE.',
  }),
  sharedStorage: flag({
    variable: 'SHARED_STORAGE',
    fallback: false,
    about:
      'The data folder is the same for all processes on this database, on every machine; without it only one may serve.',
  }),
  logLevel: choice({
    variable: 'LOG_LEVEL',
    fallback: 'info',
    of: ['error', 'warn', 'info', 'debug', 'silent'],
    about: 'Least weight of a log line that is written.',
  }),
  metricsAllow: networks({
    variable: 'METRICS_ALLOW_CIDR',
    fallback: ['127.0.0.0/8', '::1/128'],
    about:
      'Networks whose connections may read /metrics; to all others, and to whatever a proxy passes on, it does not exist.',
  }),
  shutdownNoticeMs: integer({
    variable: 'SHUTDOWN_NOTICE_MS',
    unit: 'ms',
    fallback: 5_000,
    min: 0,
    max: 600_000,
    about:
      'How long after SIGTERM /readyz answers 503 while calls are still served, so that a load balancer looks elsewhere first.',
  }),
  shutdownGraceMs: integer({
    variable: 'SHUTDOWN_GRACE_MS',
    unit: 'ms',
    fallback: 10_000,
    min: 0,
    max: 600_000,
    about: 'How long a stop waits for what is in flight, once no call is taken any more.',
  }),
  // store
  databaseUrl: optional({
    variable: 'DATABASE_URL',
    secret: true,
    pattern: /^postgres(ql)?:\/\//,
    form: 'a postgres address',
    about: 'PostgreSQL 15 or newer; without it the embedded server in the data folder.',
  }),
  databaseConnections: integer({
    variable: 'DATABASE_CONNECTIONS',
    unit: 'connections',
    fallback: 12,
    min: 4,
    max: 200,
    about: 'Most connections of this process to PostgreSQL.',
  }),
  redisUrl: optional({
    variable: 'REDIS_URL',
    secret: true,
    pattern: /^rediss?:\/\//,
    form: 'a redis address',
    about: 'Redis for wake-ups; without it they go through PostgreSQL.',
  }),
  queuePrefix: text({
    variable: 'QUEUE_PREFIX',
    fallback: 'bdc-gateway',
    pattern: /^[\w-]{1,40}$/,
    form: 'letters, digits, _ and -',
    about: 'Prefix of queue keys; gateways that share a Redis must differ.',
  }),
  masterKey: optional({
    variable: 'MASTER_KEY',
    secret: true,
    pattern: /^[0-9a-f]{64}$/i,
    form: '64 hex digits',
    about:
      'Key that wraps the data keys; without it a file in the data folder. Its loss is the loss of all sealed data.',
  }),
  // trust
  trustDir: optional({
    variable: 'TRUST_DIR',
    about: 'Trust anchors (PEM) and rule files of the certification authorities; default trust in the data folder.',
  }),
  signingDir: optional({
    variable: 'SIGNING_DIR',
    about:
      "The gateway's own keys and certificates; default signing in the data folder, made there at the first start.",
  }),
  signatureWindowSeconds: integer({
    variable: 'SIGNATURE_WINDOW_SECONDS',
    unit: 's',
    fallback: 300,
    min: 5,
    max: 300,
    about: 'How far created of a signature may be from now.',
  }),
  // bank API
  bodyLimitBytes: integer({
    variable: 'BODY_LIMIT_BYTES',
    unit: 'bytes',
    fallback: 1_048_576,
    min: 10_240,
    max: 16_777_216,
    about: 'Largest JSON body.',
  }),
  materialLimitBytes: integer({
    variable: 'MATERIAL_LIMIT_BYTES',
    unit: 'bytes',
    fallback: 52_428_800,
    min: 1024,
    max: 209_715_200,
    about: 'Largest material file.',
  }),
  uploadsAtOnce: integer({
    variable: 'UPLOADS_AT_ONCE',
    unit: 'uploads',
    fallback: 32,
    min: 1,
    max: 1000,
    about: 'Materials received at the same time; more are told to come again.',
  }),
  requestsAtOnce: integer({
    variable: 'REQUESTS_AT_ONCE',
    unit: 'requests',
    fallback: 1000,
    min: 1,
    max: 10_000,
    about: 'Requests in flight; more are told to come again.',
  }),
  eventWaiters: integer({
    variable: 'EVENT_WAITERS',
    unit: 'requests',
    fallback: 200,
    min: 1,
    max: 9_000,
    about: 'Requests that wait for events at the same time; fewer than REQUESTS_AT_ONCE.',
  }),
  eventWaitersOfBank: integer({
    variable: 'EVENT_WAITERS_OF_BANK',
    unit: 'requests',
    fallback: 8,
    min: 1,
    max: 1_000,
    about: 'Requests of one bank that wait for events at the same time.',
  }),
  idempotencyDays: integer({
    variable: 'IDEMPOTENCY_DAYS',
    unit: 'days',
    fallback: 30,
    min: 7,
    max: 3650,
    about: 'How long answers are kept for repetition.',
  }),
  diskReserveMb: integer({
    variable: 'DISK_RESERVE_MB',
    unit: 'MiB',
    fallback: 512,
    min: 0,
    max: 1_048_576,
    about: 'Free space below which nothing new is accepted.',
  }),
  trustedProxies: networks({
    variable: 'TRUSTED_PROXIES',
    fallback: [],
    about: 'Proxies whose X-Forwarded-For is believed; from anyone else it is not looked at.',
  }),
  // queries
  egovNetworks: networks({
    variable: 'EGOV_NETWORKS',
    fallback: [],
    about: 'The e-government extranet (电子政务外网); callers from elsewhere come from the internet.',
  }),
  queryWaitMs: integer({
    variable: 'QUERY_WAIT_MS',
    unit: 'ms',
    fallback: 8_000,
    min: 10,
    max: 120_000,
    about: 'How long a query waits for the registry before it is answered 202 and told by an event.',
  }),
  queryGiveUpMs: integer({
    variable: 'QUERY_GIVE_UP_MS',
    unit: 'ms',
    fallback: 3_600_000,
    min: 1000,
    max: 86_400_000,
    about: 'How long the registry is asked again for a query that was answered 202, before it is given up.',
  }),
  queriesWaiting: integer({
    variable: 'QUERIES_WAITING',
    unit: 'queries',
    fallback: 200,
    min: 1,
    max: 10_000,
    about: 'Queries that may wait for a turn at the registry; more are told to come again.',
  }),
  // site
  areaCode: text({
    variable: 'SITE_AREA_CODE',
    fallback: '420222',
    pattern: /^\d{6}$/,
    form: 'six digits',
    about: 'Division code of the county.',
  }),
  areaName: text({ variable: 'SITE_AREA_NAME', fallback: '阳新县', about: 'Name of the county.' }),
  cityCode: text({
    variable: 'SITE_CITY_CODE',
    fallback: '420200',
    pattern: /^\d{6}$/,
    form: 'six digits',
    about: 'Division code of the city of the platform.',
  }),
  cityName: text({ variable: 'SITE_CITY_NAME', fallback: '黄石市', about: 'Name of the city of the platform.' }),
  registryOrgId: text({
    variable: 'SITE_REGISTRY_ORG_ID',
    fallback: '12420222000000027R',
    about: 'Organisation id of the registration centre (RegOrgID).',
  }),
  registryOrgName: text({
    variable: 'SITE_REGISTRY_ORG_NAME',
    fallback: '阳新县不动产登记中心',
    about: 'Name of the registration centre.',
  }),
  deptCode: text({
    variable: 'SITE_DEPT_CODE',
    fallback: '000000027',
    about: "The centre's department code at the platform.",
  }),
  serviceId: text({
    variable: 'SITE_SERVICE_ID',
    fallback: '00000000000000000000000000000001',
    about: 'Id of the service mortgage-first at the platform.',
  }),
  serviceCode: text({
    variable: 'SITE_SERVICE_CODE',
    fallback: 'INVENTED-DYQ-SC',
    about: 'Code of the service mortgage-first at the platform.',
  }),
  certificateLockedUntilPaid: flag({
    variable: 'SITE_CERTIFICATE_LOCKED_UNTIL_PAID',
    fallback: false,
    about: 'Whether an electronic certificate is given out only once the fee is settled.',
  }),
  ...counterpartySettings,
  // trace
  sealMs: integer({
    variable: 'TRACE_SEAL_MS',
    unit: 'ms',
    fallback: 1_000,
    min: 50,
    max: 60_000,
    about: 'How often new trace records are added to the tree.',
  }),
  checkpointMs: integer({
    variable: 'TRACE_CHECKPOINT_MS',
    unit: 'ms',
    fallback: 60_000,
    min: 50,
    max: 3_600_000,
    about: 'How often a signed checkpoint is made while records come in.',
  }),
  checkpointDir: optional({
    variable: 'TRACE_CHECKPOINT_DIR',
    about:
      'Folder outside the database for checkpoints; default checkpoints in the data folder. Better on another machine.',
  }),
} satisfies Record<string, Setting<unknown>>

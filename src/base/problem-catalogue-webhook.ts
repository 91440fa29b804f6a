import type { ProblemType } from './problem-type.ts'

/** The part of the catalogue that is about webhooks of banks. */
export const webhookProblems = {
  'webhook-address-invalid': {
    status: 422,
    retry: 'never',
    title: '推送地址不符合要求',
    titleEn: 'The address cannot be a webhook',
  },
  'webhook-address-inner': {
    status: 422,
    retry: 'never',
    title: '推送地址指向内部网络',
    titleEn: 'The address leads into an inner network',
  },
  'webhook-address-unresolved': {
    status: 422,
    retry: 'never',
    title: '推送地址的主机名无法解析',
    titleEn: 'The host of the address does not resolve',
  },
  'webhook-not-found': { status: 404, retry: 'never', title: '未设置推送地址', titleEn: 'No webhook is set' },
  'webhook-not-approved': {
    status: 409,
    retry: 'never',
    title: '推送地址未经批准',
    titleEn: 'The webhook is not approved',
  },
  'webhook-changed': {
    status: 409,
    retry: 'never',
    title: '推送地址已变更',
    titleEn: 'The address of the webhook is another now',
  },
  'webhook-test-running': {
    status: 429,
    retry: 'after',
    title: '推送测试正在进行',
    titleEn: 'A test of this webhook is under way',
  },
} as const satisfies Record<string, ProblemType>

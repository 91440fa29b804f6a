import { type Config, describeConfig, loadConfig } from '../config.ts'
import type { Setting } from '../setting-kinds.ts'
import { settings } from '../settings.ts'
import { flag } from './arguments.ts'
import { commandOf } from './command.ts'

const HELP = `
bdc-gateway config [--json]

  显示当前生效的全部配置（文件由 GATEWAY_CONFIG 指定，环境变量优先），密钥类不显示内容。配置有误时一次列出全部错误，退出码 1。
  Prints the effective configuration (file named by GATEWAY_CONFIG, environment wins), secrets hidden. Wrong settings are
  listed all at once, with exit code 1.

  例 / example:
    GATEWAY_CONFIG=gateway.yaml bdc-gateway config
`

/** `bdc-gateway config`: see HELP. */
export const run = commandOf('config', HELP, {
  options: { json: flag },
  run: async (given, env) => {
    const config = loadConfig(env)
    console.log(given.flag('json') ? JSON.stringify(configDocument(config)) : describeConfig(config))
    return 0
  },
})

function configDocument(config: Config): Record<string, unknown>[] {
  return (Object.entries(settings) as [keyof typeof settings, Setting<unknown>][]).map(([key, setting]) => ({
    variable: setting.variable,
    key,
    value: setting.secret === true ? (config[key] === null ? null : '***') : config[key],
    unit: setting.unit ?? null,
    default: setting.fallback,
    about: setting.about,
  }))
}

export { mainConf } from './main.js'
export type { MainSettings } from './main.js'
export type { Affinity, NginxSettings, NginxTls } from './settings.js'
export { siteConf } from './site.js'

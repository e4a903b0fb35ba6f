export { createAdmission } from './admission.js'
export type { AdmissionRules } from './admission.js'
export { createCors, exposedHeaders } from './cors.js'
export type { TrustRules } from './trusted-proxy.js'

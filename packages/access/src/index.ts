export { createAdmission } from './admission.js'
export type { AdmissionRules } from './admission.js'

/** tokenAdvice says what to do where a cluster has answered 401. */
export const tokenAdvice = (base: string, token: string | undefined): string => {
  const advice = token === undefined ? 'set ACCESS_TOKEN' : 'ACCESS_TOKEN is not that one'
  return `${base} wants the access token of the cluster: ${advice}`
}

import { spawnSync } from 'node:child_process'
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Lookup finds the addresses of a name; none: nobody knows it. */
type Lookup = (name: string) => readonly string[]

/** isOfThisMachine tells whether something here can listen at an address or a name. Looking up a name may take seconds. */
export const isOfThisMachine = (host: string, lookup: Lookup = lookedUp): boolean => {
  const addresses = isIP(host) > 0 ? [host] : lookup(host)
  const own = ownAddresses()
  return addresses.some((each) => own.check(each, familyOf(each)))
}

const ownAddresses = (): BlockList => {
  const own = new BlockList()
  for (const every of ['0.0.0.0', '::']) own.addAddress(every, familyOf(every))
  own.addSubnet('127.0.0.0', 8)
  for (const { address } of Object.values(networkInterfaces()).flatMap((each) => each ?? []))
    own.addAddress(address, familyOf(address))
  return own
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6')

// Node looks names up only while the program goes on, and whoever asks here waits for the configuration.
const lookedUp: Lookup = (name) => {
  const { stdout } = spawnSync(process.execPath, ['-e', script, name], {
    encoding: 'utf8',
    env: {},
    timeout: 5_000,
  })
  return stdout.split('\n').filter((line) => isIP(line) > 0)
}

const script = `require('node:dns').lookup(process.argv[1], { all: true }, (_error, found = []) => {
  for (const { address } of found) console.log(address)
})`

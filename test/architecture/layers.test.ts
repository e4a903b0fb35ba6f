import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readHouse } from './house.js'
import * as rules from './rules.js'
import type { Rule } from './rules.js'

const house = readHouse(fileURLToPath(new URL('../..', import.meta.url)))

describe('the house', () => {
  it.each<[string, Rule]>([
    ['has a layer for every package', rules.everyPackageHasItsLayer],
    ['imports nothing upwards', rules.noUpwardImport],
    ['imports nothing between neighbours', rules.noNeighbourImport],
    ['keeps example-server apart', rules.exampleServerStandsApart],
    ['imports testkit in tests only', rules.onlyTestsImportTestkit],
    ['imports packages whole, no files of theirs', rules.onlyPackagesAreImported],
    ['imports no file of another package by its path', rules.noImportByPath],
    ['has no file that imports itself in a circle, types included', rules.noCircle],
    ['names ioredis in store/redis and gateway/live only', rules.ioredisHasItsPlaces],
    ['names nginx-conf in nginx only', rules.nginxConfHasItsPlace],
    ['reads process.env in config only', rules.onlyConfigReadsTheEnvironment],
    ['has no file over 300 lines', rules.noLongFile],
    ['has few files over 200 lines in any package', rules.mostFilesAreShort],
    ['has no folder with more than 20 files', rules.noCrowdedFolder],
    ['keeps no collection in a module', rules.noCollectionOfAModule],
    ['has no export *', rules.noExportStar],
    ['has no utils, helpers, common, shared, manager or types', rules.noVagueName],
    ['declares every import in package.json', rules.everyImportIsDeclared],
    ['imports every dependency of package.json', rules.everyDependencyIsImported],
    ['has a README in every package', rules.everyPackageHasAReadme],
  ])('%s', (_, rule) => {
    expect(rule(house)).toEqual([])
  })

  it('was really read', () => {
    const names = house.packages.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['core', 'router', 'gateway', 'cli']))
    expect(house.packages.flatMap(({ sources }) => sources).length).toBeGreaterThan(100)
  })
})

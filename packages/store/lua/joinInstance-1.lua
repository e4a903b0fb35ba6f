--[[
  joinInstance: takes or renews the lease of an Instance, unless it is held from another address.

  KEYS[1]  mcp:instance:<id>
  ARGV[1]  lease, ms
  ARGV[2]  'evict' takes the lease from another address too; '' does not
  ARGV[3]  address
  ARGV[4…] field, value, field, value …

  Output   1 joined; else the holder as field, value, field, value …
]]
-- pcall, because a key of another type is no lease.
local holder = redis.pcall('HGET', KEYS[1], 'address')
if type(holder) == 'string' and holder ~= ARGV[3] and ARGV[2] ~= 'evict' then
  return redis.call('HGETALL', KEYS[1])
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'address', ARGV[3], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1

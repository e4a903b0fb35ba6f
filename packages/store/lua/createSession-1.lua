--[[
  createSession: writes the record of a Session whole, so that nothing of an earlier one stays and none lives for ever.

  KEYS[1]  mcp:sessions:<id>
  ARGV[1]  time to live, ms
  ARGV[2…] field, value, field, value …

  Output   1
]]
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1

--[[
  createSession: writes the record of a Session whole, so that nothing of an earlier one stays and none lives for ever.

  KEYS[1]  mcp:sessions:<id>
  KEYS[2]  {mcp:sessions:<id>}:ended
  ARGV[1]  time to live, ms
  ARGV[2…] field, value, field, value …

  Output   1
]]
-- Redis refuses the first write of a script when its memory is full, and none after it: DEL would let a new record in.
redis.call('SET', KEYS[1], '')
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1

--[[
  dropForeign: deletes a key that is not what the router keeps there. One that another Instance has put right meanwhile stays.

  KEYS[1]  the key
  ARGV[1]  what TYPE must say of it

  Output   1 deleted; 0 it is as it must be, or not there
]]
local kind = redis.call('TYPE', KEYS[1]).ok
-- Nothing that is asked for is an empty text.
if kind == ARGV[1] and (kind ~= 'string' or redis.call('STRLEN', KEYS[1]) > 0) then return 0 end
return redis.call('DEL', KEYS[1])

-- Takes, renews or releases a lease, or tells whether it is held and whose was the newest. The fence is never smaller than the server's clock in milliseconds, so that a
-- server which lost its last second cannot hand the same token out twice.
-- KEYS: 1 leases (name -> owner, fence, until as JSON), 2 fences (fence -> name, of living tokens only), 3 the last fence
-- A lease that has ended is renewed as long as nobody has taken it over: its token is still the newest, and nothing was concluded since.
-- ARGV: 1 what (take | renew | release | held | newest), 2 name, 3 owner, 4 fence, 5 milliseconds to live
-- Answers the fence, or false.
local what, name, owner, fence, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local raw = redis.call("HGET", KEYS[1], name)
local held = raw and cjson.decode(raw)

local function hold(token)
  local lease = {owner = owner, fence = token, ends = string.format("%.0f", now + ttl)}
  redis.call("HSET", KEYS[1], name, cjson.encode(lease))
end

if what == "newest" then return held and held.fence or false end
if what == "held" then return held and tonumber(held.ends) > now and held.fence or false end

if what == "take" then
  if held and held.owner ~= owner and tonumber(held.ends) > now then return false end
  local token = string.format("%.0f", math.max(now, tonumber(redis.call("GET", KEYS[3]) or "0") + 1))
  redis.call("SET", KEYS[3], token)
  if held then redis.call("HDEL", KEYS[2], held.fence) end
  redis.call("HSET", KEYS[2], token, name)
  hold(token)
  return token
end

if not held or held.owner ~= owner or held.fence ~= fence then return false end
if what == "renew" then
  hold(fence)
else
  redis.call("HDEL", KEYS[1], name)
  redis.call("HDEL", KEYS[2], fence)
end
return fence

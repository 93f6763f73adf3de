-- The account's request budget: a token comes back a window after it was spent, so that no window ever holds more than the limit.
-- KEYS: 1 when each token was spent (list, oldest first), 2 there while nothing but cancels may be sent
-- ARGV: 1 what (spend | shut), 2 how many tokens may be out before this one (-1: any number), 3 window or time to stay shut, in milliseconds
-- Answers 0 when it was spent, else in how many milliseconds to ask again.
if ARGV[1] == "shut" then
  if redis.call("PTTL", KEYS[2]) < tonumber(ARGV[3]) then redis.call("SET", KEYS[2], "1", "PX", ARGV[3]) end
  return 0
end
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local most, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local oldest = redis.call("LINDEX", KEYS[1], 0)
while oldest and tonumber(oldest) + window <= now do
  redis.call("LPOP", KEYS[1])
  oldest = redis.call("LINDEX", KEYS[1], 0)
end
if most >= 0 then
  local shut = redis.call("PTTL", KEYS[2])
  if shut > 0 then return shut end
  local out = redis.call("LLEN", KEYS[1])
  if out >= most then
    local due = most > 0 and tonumber(redis.call("LINDEX", KEYS[1], out - most)) + window - now or window
    return math.max(1, math.min(window, due))
  end
end
redis.call("RPUSH", KEYS[1], string.format("%.0f", now))
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return 0

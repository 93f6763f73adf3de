-- One transaction for everything a handled message changes.
-- KEYS: 1 the stream read from (or ""), 2 the set of what is done (or ""), 3.. every key the operations touch
-- ARGV: 1 group, 2 entry id, 3 how many done ids to keep, 4 score of the done id, 5 operations as JSON,
--       6 what must stand as JSON: [key, field, value, or false for nothing at all]
-- Answers 1 when it took effect, 0 when the same entry (or once-name) had been committed before or something else stands.
local group, entry, keep, score = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
for _, wanted in ipairs(cjson.decode(ARGV[6])) do
  if redis.call("HGET", wanted[1], wanted[2]) ~= wanted[3] then return 0 end
end
if KEYS[2] ~= "" then
  if redis.call("ZSCORE", KEYS[2], entry) then
    if KEYS[1] ~= "" then redis.pcall("XACK", KEYS[1], group, entry) end
    return 0
  end
  redis.call("ZADD", KEYS[2], score, entry)
  redis.call("ZREMRANGEBYRANK", KEYS[2], 0, -keep - 1)
end
for _, operation in ipairs(cjson.decode(ARGV[5])) do
  redis.call(unpack(operation))
end
-- A group the server has forgotten cannot be acknowledged; the done set keeps the entry from happening twice.
if KEYS[1] ~= "" then redis.pcall("XACK", KEYS[1], group, entry) end
return 1

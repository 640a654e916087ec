-- bucket.lua: what there was within an interval, as "end amount" of each of its
-- slices, the oldest first. A slice counts until an interval has passed since its
-- end, so that no interval has more than its bucket allows; what is small enough is
-- kept to the millisecond.

local SLICES = 24

local function bucket_key(name, key) return 'bucket:' .. name .. ':' .. key end

-- Buckets as a script is given them: how many, and of each its name, key, most,
-- interval and what this costs. No two have one key.
local function buckets(from)
  local all, keys = {}, {}
  for i = 1, tonumber(ARGV[from]) do
    local name, key, most, interval, cost = unpack(ARGV, from + 5 * i - 4, from + 5 * i)
    all[i] = {name = name, most = tonumber(most), interval = tonumber(interval), cost = tonumber(cost), key = bucket_key(name, key)}
    keys[i] = all[i].key
  end
  if #all == 0 then return all end
  for i, text in ipairs(call('MGET', unpack(keys))) do
    local b, used = all[i], 0
    for at, amount in string.gmatch(text or '', '(%d+) (%d+)') do
      at, amount = tonumber(at), tonumber(amount)
      if at + b.interval > NOW then
        b[#b + 1] = {at, amount}
        used = used + amount
      end
    end
    b.used = used
  end
  return all
end

-- How many ms until a bucket has room.
local function wait_for_room(b)
  local over = b.used + b.cost - b.most
  if over <= 0 then return 0 end
  for _, slice in ipairs(b) do
    over = over - slice[2]
    if over <= 0 then return slice[1] + b.interval - NOW end
  end
  return b.interval -- it costs more than there ever is
end

-- The bucket that is to be waited for the longest, and how many ms; nothing if all have room.
local function fullest(all)
  local longest, full = 0, nil
  for _, b in ipairs(all) do
    local wait = wait_for_room(b)
    if wait > longest then longest, full = wait, b end
  end
  return full, longest
end

local function fill(b)
  local slice = b.most <= SLICES and 1 or math.ceil(b.interval / SLICES)
  local at = math.ceil(NOW / slice) * slice
  local last = b[#b]
  if last and last[1] == at then
    last[2] = last[2] + b.cost
  else
    b[#b + 1] = {at, b.cost}
  end
  local text = {}
  for i, s in ipairs(b) do text[i] = whole(s[1]) .. ' ' .. whole(s[2]) end
  call('SET', b.key, table.concat(text, ' '), 'PX', ttl(at + b.interval))
end

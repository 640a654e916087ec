-- toll.lua: how many of the texts to a range of numbers are of use to anybody. A
-- range, or a country, has "end sends used" of each slice of the window, until when
-- it is blocked, and when that was last told. What is older than a 24th of the window
-- is kept by 24ths; what is fresher, twenty times as fine.

local COARSE, FINE = 24, 480

-- What a start is told of the guard: words "mode counts ratio window grace block", then
-- for each range its name and how many sends decide.
local function tolls(text)
  local w = words(text)
  local g = {block_it = w[1] == 'block', counts = w[2] == '1', ratio = tonumber(w[3]),
    window = tonumber(w[4]), grace = tonumber(w[5]), block = tonumber(w[6])}
  for i = 7, #w, 2 do g[#g + 1] = {name = w[i], least = tonumber(w[i + 1])} end
  return g
end

local function read_toll(name, window)
  local f = call('HMGET', toll_key(name), 'until', 'slices', 'told')
  local t = {blocked = tonumber(f[1] or 0), told = tonumber(f[3] or 0)}
  for at, sends, used in string.gmatch(f[2] or '', '(%d+) (%d+) (%d+)') do
    if at + window > NOW then t[#t + 1] = {tonumber(at), tonumber(sends), tonumber(used)} end
  end
  return t
end

local function write_toll(name, t, window)
  local text = {}
  for i, s in ipairs(t) do text[i] = whole(s[1]) .. ' ' .. whole(s[2]) .. ' ' .. whole(s[3]) end
  call('HSET', toll_key(name), 'until', whole(t.blocked), 'told', whole(t.told), 'slices', table.concat(text, ' '), 'window', whole(window))
  call('PEXPIRE', toll_key(name), whole(math.max(t.blocked - NOW, 0) + 2 * window + GRACE))
end

-- Adds to the slice that is now.
local function count_toll(name, t, window, sends, used)
  local fine, coarse = math.ceil(window / FINE), math.ceil(window / COARSE)
  local all = {blocked = t.blocked, told = t.told}
  local function add(at, more_sends, more_used)
    local last = all[#all]
    if not last or last[1] ~= at then
      last = {at, 0, 0}
      all[#all + 1] = last
    end
    last[2], last[3] = last[2] + more_sends, last[3] + more_used
  end
  for _, s in ipairs(t) do
    add(s[1] <= NOW - coarse and math.floor(s[1] / coarse) * coarse or s[1], s[2], s[3])
  end
  add(math.ceil(NOW / fine) * fine, sends, used)
  write_toll(name, all, window)
end

-- Whether too few of the texts since a time were of use. Those that are not older than
-- the grace may still be; after a block a few are enough to tell.
local function pumped_since(t, g, least, since)
  if t.blocked > 0 then least = math.max(3, math.floor(least / 4)) end
  local sends, used = 0, 0
  for _, s in ipairs(t) do
    if s[1] > since then
      if s[1] <= NOW - g.grace then sends = sends + s[2] end
      used = used + s[3]
    end
  end
  return sends >= least and used < g.ratio * sends, sends, used
end

-- An attack on a range with a good past shows in the last 24th of the window, a slow
-- one in the whole.
local function pumped(t, g, least)
  local bad, sends, used = pumped_since(t, g, least, NOW - math.ceil(g.window / COARSE))
  if bad then return bad, sends, used end
  return pumped_since(t, g, least, 0)
end

-- The range that is blocked, and for how many ms; nothing if none is. suspect is one
-- that would be, were the guard to block.
local function guard(g)
  local suspect = ''
  for _, r in ipairs(g) do
    local t = read_toll(r.name, g.window)
    r.toll = t
    if t.blocked > NOW then return r.name, t.blocked - NOW, suspect end
    local bad, sends, used = pumped(t, g, r.least)
    if bad then
      local why = sends .. ' sent, ' .. used .. ' used'
      if g.block_it then
        local blocked = {blocked = NOW + g.block, told = NOW}
        write_toll(r.name, blocked, g.window)
        tell('00', 'type', 'range.blocked', 'reason', r.name .. ': ' .. why)
        return r.name, g.block, suspect
      end
      suspect = r.name
      if t.told + g.block <= NOW then
        t.told = NOW
        write_toll(r.name, t, g.window)
        tell('00', 'type', 'range.suspected', 'reason', r.name .. ': ' .. why)
      end
    end
  end
  return nil, 0, suspect
end

-- adopt.lua: what lies under an old key's fingerprint is renamed to the
-- primary's at first touch; the verification it points to learns its new name.

local function rename(from, to) return call('EXISTS', from) == 1 and call('RENAMENX', from, to) == 1 end

local function adopt(p, ns, identity, limit, b)
  identity, limit = words(identity), words(limit)
  local now = owner(identity[1], b)
  for i = 2, #identity do
    local before = owner(identity[i], b)
    rename(state_key(ns, 'lock', p, before), state_key(ns, 'lock', p, now))
    rename(state_key(ns, 'fails', p, before), state_key(ns, 'fails', p, now))
    local code = state_key(ns, 'otp', p, now)
    if rename(state_key(ns, 'otp', p, before), code) then
      local v = find(p, string.match(call('GET', code), '^%S+'))
      if v then
        v.fp, v.lfp = identity[1], limit[1]
        set(v, 'i', opened_with(v))
        commit(v)
      end
    end
    for _, channel in ipairs({'sms', 'email'}) do
      rename(state_key('all', 'suppress', p, identity[i] .. ':' .. channel), state_key('all', 'suppress', p, identity[1] .. ':' .. channel))
    end
    rename(recent_key(p, identity[i]), recent_key(p, identity[1]))
  end
  for i = 2, #limit do
    for _, space in ipairs({ns, 'all'}) do
      for _, kind in ipairs({'cooldown', 'daily'}) do
        rename(state_key(space, kind, p, limit[i]), state_key(space, kind, p, limit[1]))
      end
    end
  end
end

-- receipt: what a provider reports later about one attempt. Late, twice, out of
-- order, foreign or unknown: it changes nothing it should not.
--
-- KEYS[1] the verification
-- ARGV[3..] partition, id, n, attempt, provider, ref, state, reason, class, ms of suppression or 0
-- Returns {"moved", channel, ms since the send was asked for}, {"stale"} or {"foreign"}.

-- include clock
-- include record
-- include sends
-- include limits
-- include ending
-- include rank

local p, id, n, attempt, provider, ref, state, reason, class, silence = unpack(ARGV, 3, 12)
n, attempt, silence = tonumber(n), tonumber(attempt), tonumber(silence)

local v = find(p, id)
local s = v and send(v, n)
local a = s and s.a[attempt]
if not a or a.p ~= provider or (a.ref and a.ref ~= ref) then return {'foreign'} end

local arrived = state == 'accepted' or state == 'sent' or state == 'delivered'
local moved = RANK[state] > RANK[a.st]
-- The answer that never came has come another way.
local settles = arrived and s.st == 'queued' and (moved or a.st == 'unknown')
if not moved and not settles then return {'stale'} end

a.ref = ref
if moved then a.st = state end
note_attempt(v, n, attempt, state, a.p, ref, reason)
save(v, n, s)
if settles then close(v, n, s, 'accepted') end
if moved and not arrived then
  if silence > 0 then suppress(v, s.ch, silence) end
  if s.st == 'queued' then
    -- Work is left: nothing is given back yet, and nobody will do better for a
    -- recipient who is at fault.
    if class == 'recipient' then
      close(v, n, s, 'failed')
      note_send(v, n, 'failed', a.p, reason)
    end
  elseif (class == 'provider' or class == 'throttled') and not s.rf then
    s.rf = 1 -- a passing reason: the cooldown comes back, the quota was paid for
    save(v, n, s)
    clear_cooldown(v, n)
  end
end
commit(v)
return {'moved', s.ch, NOW - s.at}

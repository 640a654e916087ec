-- outcome: what became of a hand-over. A fact is written down whoever holds the lease by now.
--
-- KEYS[1] the verification
-- ARGV[3..] partition, id, n, attempt, state, ref, reason, class, ms of suppression or 0,
--   ms after which its provider is asked what became of it, the provider
-- Returns {"open"} while there is work left, or {"closed", state}; then, of a send to another address whose
--   recipient is to be suppressed, that one's partition and fingerprint.

-- include clock
-- include record
-- include sends
-- include limits
-- include ending
-- include rank

local p, id, n, attempt, state, ref, reason, class, silence, ask, provider = unpack(ARGV, 3, 13)
n, attempt, silence, ask = tonumber(n), tonumber(attempt), tonumber(silence), tonumber(ask)

local v = find(p, id)
local s = v and send(v, n)
local a = s and s.a[attempt]
if s and not a and attempt == #s.a + 1 then -- that it began was lost with a master
  a = {p = provider, st = 'sending'}
  s.a[attempt] = a
  note_attempt(v, n, attempt, 'sending', provider)
end
if not a then return {'closed', ''} end

local taken = state == 'accepted' or state == 'sent'
local moved = RANK[state] > RANK[a.st]
if ref ~= '' and not a.ref then a.ref = ref end
if a.st == 'sending' and not taken then count(v, s.at, s.ch .. ' refused ' .. a.p) end
if moved then
  a.st = state
  if state == 'failed' then a.why = reason end
end
if moved or (taken and a.st == 'unknown' and not a.late) then
  a.late = not moved and 1 or nil
  note_attempt(v, n, attempt, state, a.p, ref, reason)
end
local p2, fp2 = '', ''
if silence > 0 and (moved or s.fp and a.st == state) then p2, fp2 = suppress_recipient(v, s, silence) end
save(v, n, s)

if s.st == 'queued' then
  if taken and a.st == 'undelivered' then -- its receipt was faster
    s.back = 1
    save(v, n, s)
  elseif taken then
    close(v, n, s, 'accepted')
    -- Of a mail that was sent there is no more to hear.
    if state == 'accepted' or s.ch ~= 'email' then await(v, n, s, ask) end
  elseif (class == 'recipient' and state == 'failed' or unknowns(s) > 1) and turns(v, n) then
    s.turn = 1
    save(v, n, s)
  elseif state == 'failed' and class == 'recipient' then
    close(v, n, s, 'failed')
    note_send(v, n, 'failed', a.p, reason)
  elseif unknowns(s) > 1 then
    abandon(v, n, s, 'unknown')
  elseif state == 'failed' and (v.st ~= 'pending' or n < v.n) then
    abandon(v, n, s, v.st == 'canceled' and 'canceled' or v.st == 'expired' and 'expired' or 'superseded')
  end
end
commit(v)
return {s.st == 'queued' and 'open' or 'closed', s.st, p2, fp2}

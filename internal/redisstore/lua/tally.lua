-- tally.lua: what happened, counted in the hour in which it was asked for. Every
-- count is made by the transition that it is about, so that it is right whoever
-- dies or repeats a command: how many verifications and sends there were, how
-- many of them were approved or stand how, and how long delivery took.
--
-- A field is "namespace channel what" and, of what a provider did, its name, or -
-- where none had a part in it:
--
--   opened        verifications, by the channel of their first send
--   approved      of these
--   resent        further sends of a verification, those to another address too
--   <state> <p>   sends that stand so: see told; those on which work is left stand nowhere
--   refused <p>   hand-overs that did not succeed, or of which nobody knows
--   within.<k>    sends that took 2^(k/2) ms or longer from being asked for, and less than 2^((k+1)/2),
--                 until they were known to be delivered or, of a mail, were taken by a relay

local HOUR = 3600000       -- ms
local TALLIES = 691200000  -- ms a tally is kept: a week to look back, and the day before it

local function count(v, at, what, by)
  local hour = math.floor(at / HOUR)
  local key = tally_key(v.p, whole(hour))
  local n = call('HINCRBY', key, v.ns .. ' ' .. what, by or '1')
  -- A new field may be the first: then the key needs an end.
  if n == 1 or n == -1 then call('PEXPIRE', key, ttl((hour + 1) * HOUR + TALLIES)) end
end

-- How a send stands, and by whose doing; nothing while work is left on it. It says
-- what otp.SendRecord.Status says, but that a provider took it is one state.
local function told(s)
  local taken, silent
  for _, a in ipairs(s.a) do
    if a.st == 'delivered' then return 'delivered ' .. a.p end
    if a.st == 'accepted' or a.st == 'sent' or a.st == 'undelivered' then taken = a end
    if a.st == 'unknown' then silent = a end
  end
  if s.st == 'queued' then return nil end
  local newest = s.a[#s.a]
  if not newest then return s.st .. ' -' end
  if s.st == 'unknown' and silent then return 'unknown ' .. silent.p end
  if taken and taken.st == 'undelivered' then return 'undelivered ' .. taken.p end
  if taken or s.st == 'accepted' then return 'taken ' .. (taken or newest).p end
  return s.st .. ' ' .. newest.p
end

-- Counts a send where it stands now, and no longer where it stood. Once delivered
-- it stays with the one who delivered it first.
local function tally(v, s)
  local now = told(s)
  if now == s.was or s.was and string.find(s.was, '^delivered') then return now end
  if s.was then count(v, s.at, s.ch .. ' ' .. s.was, '-1') end
  if not now then return end
  count(v, s.at, s.ch .. ' ' .. now)
  local arrived = s.ch ~= 'email' and 'delivered ' or not s.back and 'taken '
  if arrived and string.find(now, arrived, 1, true) == 1 then
    local k = math.floor(2 * math.log(math.max(1, NOW - s.at)) / math.log(2) + 1e-9)
    count(v, s.at, s.ch .. ' within.' .. whole(k))
  end
  return now
end

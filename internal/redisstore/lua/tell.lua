-- tell.lua: an event, with what is known of who caused it: the request, whose API
-- key it came with, and from where; see frame in script.go.

local function tell(p, ...)
  local kept, request, caller, client = string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+)$')
  local fields = {...}
  local function add(name, value)
    if value ~= '-' then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  add('req', request)
  add('by', caller)
  add('from', client)
  call('XADD', events_key(p), 'MAXLEN', '~', kept, '*', unpack(fields))
end

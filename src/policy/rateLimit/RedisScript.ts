/**
 * The script that Redis runs for one exchange with a process. It works on one group of models and on the clock of the
 * server, so that processes whose clocks differ share one state. `Limit.ts` states the rules of a bucket; this is the
 * same in Lua, with what several processes need:
 *
 * - Each process has an entry with all that it holds. When its lease has passed without an exchange, the entry is
 *   removed, and what it held is given back.
 * - Processes that wait have places, in the order in which they began to wait. What those ahead wait for is set aside,
 *   until they fail to come back.
 */
import * as Duration from "effect/Duration"
import * as Redis from "effect/persistence/Redis"
import * as Schema from "effect/Schema"
import type { RateLimits } from "../../claude/RateLimits.ts"
import { type Amounts, kinds, type Limits } from "./Buckets.ts"

/**
 * A process that waits asks again at least this often, because the calls of other processes may have given something
 * back; where there are many processes, all of them together ask at most `asksPerSecond` times.
 */
const longestWait = Duration.millis(500)
const asksPerSecond = 100

/** How late a process may ask again before what it waits for goes to others. */
const grace = Duration.millis(250)

/** As in `Limit.ts`: how many seconds' worth may leave at once. */
const burst = 0.5

/** The state of a group that no process uses is kept this long. */
const keep = Duration.minutes(10)

/** A reservation, as the script knows it. Times are in milliseconds. */
export interface Ticket {
  readonly process: string
  /** When it was reserved, on the clock of the server. */
  readonly at: number
  readonly amounts: Amounts
  /** All that the group had used by then. */
  readonly used: Amounts
}

/** What has become of a reservation: what its answer reported; what it used; or that it was refused, and for how long. */
export interface Notice {
  readonly reservation: Ticket
  readonly reported?: RateLimits
  readonly used?: Amounts
  readonly pause?: number
}

/** What a process says and asks. */
export interface Exchange {
  readonly process: string
  /** How long the process counts as alive without another exchange, in milliseconds. */
  readonly lease: number
  readonly explicit: Limits
  readonly notices: ReadonlyArray<Notice>
  /** What to reserve. */
  readonly amounts?: Amounts
  /** Whether the process made calls without Redis since the last exchange. */
  readonly wasAway: boolean
  /** The limits that the process last knew of; an empty Redis takes them. */
  readonly known: Limits
  /** Whether the process ends. */
  readonly leaves?: boolean
}

/** Takes the key of a group, and an exchange as JSON; returns a reply as JSON. */
export const script = Redis.script((key: string, exchange: string) => [key, exchange], {
  numberOfKeys: 1,
  lua: `
local kinds = { "requests", "inputTokens", "outputTokens" }
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local exchange = cjson.decode(ARGV[1])
local stored = redis.call("GET", KEYS[1])
local group = stored and cmsgpack.unpack(stored)
if not group then
  group = { since = now, closedAt = 0, closedUntil = 0, places = 0, processes = {}, limits = {} }
  for _, kind in ipairs(kinds) do group.limits[kind] = { inFlight = 0, used = 0 } end
end

-- A limit has the level of its bucket and "paced", what may leave at once. Without "perMinute" it is unknown.

local function burst(limit) return limit.perMinute / 60 * ${burst} end

local function refilled(level, size, amount) return level >= size and level or math.min(size, level + amount) end

local function take(limit, amount)
  if not limit.perMinute then return end
  limit.level = limit.level - amount
  limit.paced = limit.paced - amount
end

local function wait(limit, amount, ahead)
  local rate = limit.perMinute / 60000
  return math.max(
    (ahead + math.min(amount, limit.perMinute) - limit.level) / rate,
    (ahead + math.min(amount, burst(limit)) - limit.paced) / rate / limit.pace)
end

-- The lowest explicit limit of the processes, or what the API reports, if that is lower.
local function update(limit, kind)
  local lowest = limit.reported
  for _, process in pairs(group.processes) do
    local explicit = process.explicit[kind]
    if explicit and (not lowest or explicit < lowest) then lowest = explicit end
  end
  if not lowest or lowest == limit.perMinute then return end
  local isNew, isReported = not limit.perMinute, lowest == limit.reported
  limit.perMinute = lowest
  limit.pace = limit.pace or (isReported and 2 or 1)
  limit.level = isNew and lowest or math.min(limit.level, lowest)
  limit.paced = isNew and (isReported and 0 or burst(limit)) or math.min(limit.paced, burst(limit))
end

local function release(process)
  for _, kind in ipairs(kinds) do
    local limit, held = group.limits[kind], process.held[kind]
    limit.inFlight = limit.inFlight - held
    take(limit, -held)
  end
end

-- The process that holds a reservation, unless it was taken for dead and its reservations were given back.
local function holder(reservation)
  local process = group.processes[reservation.process]
  return process and process.born <= reservation.at and process
end

local function learn(limit, kind, reported, reservation)
  local isNew = not limit.perMinute
  limit.reported = reported.limit
  update(limit, kind)
  local rounding = reported.limit >= 10000 and reported.remaining % 1000 == 0 and 500 or 0
  limit.highest = math.max(limit.highest or 0, reported.remaining)
  local isLate = kind == "outputTokens" and limit.highest > 4 * limit.inFlight
  local most = reported.remaining + rounding - (isLate and limit.inFlight or 0)
  local least = reported.remaining - rounding - limit.inFlight - (limit.used - reservation.used[kind])
  local isExact = limit.perMinute == reported.limit and reported.remaining > 2 * rounding
  if isNew then limit.level = least
  elseif limit.level > most then limit.level = most
  elseif limit.level < least and isExact and holder(reservation) then limit.level = least end
end

-- A call that was refused has used nothing, but it has left: it has no "used", and its part of "paced" is not given back.
local function settle(reservation, used)
  local process = holder(reservation)
  for _, kind in ipairs(kinds) do
    local limit = group.limits[kind]
    local held = process and reservation.amounts[kind] or 0
    if process then process.held[kind] = process.held[kind] - held end
    limit.inFlight = limit.inFlight - held
    if used then
      limit.used = limit.used + used[kind]
      take(limit, used[kind] - held)
    elseif limit.perMinute then
      limit.level = limit.level + held
    end
  end
end

local function close(milliseconds, at)
  local wasInFlight = at <= group.closedAt
  group.closedUntil = math.max(group.closedUntil, (wasInFlight and group.closedAt or now) + milliseconds)
  if wasInFlight then return end
  group.closedAt = now
  for _, kind in ipairs(kinds) do
    local limit = group.limits[kind]
    local isAgain = limit.refusedAt and now < limit.refusedAt + 60000
    limit.pace = math.min(1, limit.pace or 1) * (isAgain and 0.9 or 1)
    limit.refusedAt = now
    limit.slowedAt = now
    if limit.perMinute then limit.paced = math.min(0, limit.paced) end
  end
end

-- What has passed since the last exchange of any process.

local elapsed = math.max(0, now - group.since)
group.since = group.since + elapsed
for _, kind in ipairs(kinds) do
  local limit = group.limits[kind]
  if limit.perMinute then
    local amount = elapsed * limit.perMinute / 60000
    limit.level = refilled(limit.level, limit.perMinute, amount)
    limit.paced = refilled(limit.paced, burst(limit), amount * limit.pace)
    if limit.pace < 1 and now >= limit.slowedAt + 6000 then
      limit.slowedAt = now
      limit.pace = math.min(1, limit.pace + 0.01)
    end
  end
end
for id, process in pairs(group.processes) do
  if now > process.aliveUntil then
    release(process)
    group.processes[id] = nil
  end
end

-- What this process has to say.

local me = group.processes[exchange.process]
local isBack = not me and exchange.wasAway
for kind, limit in pairs(stored and {} or exchange.known) do
  group.limits[kind].reported = limit
  isBack = true
end
if not me then
  me = { born = now, held = { requests = 0, inputTokens = 0, outputTokens = 0 } }
  group.processes[exchange.process] = me
end
me.aliveUntil = now + exchange.lease
me.explicit = exchange.explicit
for _, kind in ipairs(kinds) do
  local limit = group.limits[kind]
  update(limit, kind)
  -- Calls that were not counted may have emptied the bucket; the next answers raise its level again.
  if isBack and limit.perMinute then limit.level = math.min(limit.level, 0) end
end
for _, notice in ipairs(exchange.notices) do
  if notice.reported then
    for kind, reported in pairs(notice.reported) do
      learn(group.limits[kind], kind, reported, notice.reservation)
    end
  end
  if notice.used then settle(notice.reservation, notice.used) end
  if notice.pause then
    settle(notice.reservation)
    close(notice.pause, notice.reservation.at)
  end
end

-- What it asks for.

local function count()
  local processes = 0
  for _ in pairs(group.processes) do processes = processes + 1 end
  return processes
end

local function reserve(amounts)
  if now < group.closedUntil then return { wait = group.closedUntil - now, binds = "pause" } end
  local ahead = { requests = 0, inputTokens = 0, outputTokens = 0 }
  for _, process in pairs(group.processes) do
    if process.place and process.awaited >= now and (not me.place or process.place < me.place) then
      for _, kind in ipairs(kinds) do ahead[kind] = ahead[kind] + process.wants[kind] end
    end
  end
  local longest, binds = 0.001, nil
  for _, kind in ipairs(kinds) do
    local limit = group.limits[kind]
    local needed = limit.perMinute and wait(limit, amounts[kind], ahead[kind]) or 0
    if needed > longest then longest, binds = needed, kind end
  end
  if binds then
    longest = math.min(longest, math.max(${Duration.toMillis(longestWait)}, count() * 1000 / ${asksPerSecond}))
    if not me.place then
      group.places = group.places + 1
      me.place = group.places
    end
    me.wants = amounts
    me.awaited = now + longest + ${Duration.toMillis(grace)}
    return { wait = longest, binds = binds }
  end
  me.place, me.wants, me.awaited = nil, nil, nil
  local used = {}
  for _, kind in ipairs(kinds) do
    local limit = group.limits[kind]
    limit.inFlight = limit.inFlight + amounts[kind]
    me.held[kind] = me.held[kind] + amounts[kind]
    take(limit, amounts[kind])
    used[kind] = limit.used
  end
  return { at = now, used = used }
end

local reply = exchange.amounts and reserve(exchange.amounts) or {}
if exchange.leaves then
  release(me)
  group.processes[exchange.process] = nil
end
reply.processes = count()
reply.limits = {}
for _, kind in ipairs(kinds) do reply.limits[kind] = group.limits[kind].perMinute end
local kept = math.max(0, math.ceil(group.closedUntil - now)) + ${Duration.toMillis(keep)}
redis.call("SET", KEYS[1], cmsgpack.pack(group), "PX", kept)
return cjson.encode(reply)
`
}).withReturnType<string>()

/** What every reply has: the limits that are known, and the number of processes that share them. */
const facts = {
  processes: Schema.Finite,
  limits: Schema.Struct({
    requests: Schema.optionalKey(Schema.Finite),
    inputTokens: Schema.optionalKey(Schema.Finite),
    outputTokens: Schema.optionalKey(Schema.Finite)
  })
}

const Facts = Schema.Struct(facts)
const Answer = Schema.Union([
  Schema.Struct({
    ...facts,
    at: Schema.Finite,
    used: Schema.Struct({ requests: Schema.Finite, inputTokens: Schema.Finite, outputTokens: Schema.Finite })
  }),
  Schema.Struct({ ...facts, wait: Schema.Finite, binds: Schema.Literals([...kinds, "pause"]) })
])

/** What every reply has. */
export type Facts = typeof Facts.Type

/** Decodes the reply to an exchange that reserves nothing. */
export const decodeFacts = Schema.decodeUnknownEffect(Schema.fromJsonString(Facts))

/** Decodes the reply to an exchange with amounts: they are reserved, or have to wait. */
export const decodeAnswer = Schema.decodeUnknownEffect(Schema.fromJsonString(Answer))

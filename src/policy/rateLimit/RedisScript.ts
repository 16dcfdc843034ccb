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
import { type Amounts, type Kind, kinds, type Limits } from "./Buckets.ts"

/**
 * A process that waits asks again at least this often, because the calls of other processes may have given something
 * back; where there are many processes, all of them together ask at most `asksPerSecond` times.
 */
const longestWait = Duration.millis(500)
const asksPerSecond = 100

/** How late a process may ask again before what it waits for goes to others. */
const grace = Duration.millis(250)

// As in `Limit.ts`.
const burst = 0.5
const fast = 2
const even = 0.99

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

/**
 * What has become of a reservation: what its answer reported; what it used; or that it was refused, for how long, and
 * which limits were short according to the answer.
 */
export type Notice = { readonly reservation: Ticket } & (
  | { readonly reported: RateLimits }
  | { readonly used: Amounts }
  | { readonly pause: number; readonly short: ReadonlyArray<Kind> }
)

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
  for _, kind in ipairs(kinds) do
    group.limits[kind] = {
      inFlight = 0, used = 0, level = 0, paced = 0, size = 0, pace = ${fast}, changedAt = 0, rises = 0, error = 0,
      passedBefore = 0
    }
  end
end

-- A limit, as in Limit.ts: "level" is that of the bucket, and "paced" is what may leave at once. Without "perMinute" it is
-- unknown.

local huge = 1e15

local function burst(limit) return limit.perMinute / 60 * ${burst} end

local function sizeOf(limit)
  return limit.isAssumed and huge or math.min(math.max(limit.size, limit.perMinute / 60, 1), limit.perMinute)
end

local function refilled(level, size, amount) return level >= size and level or math.min(size, level + amount) end

local function take(limit, amount)
  if not limit.perMinute then return end
  limit.level = limit.level - amount
  limit.paced = limit.paced - amount
end

local function wait(limit, kind, amount, ahead)
  local rate = limit.perMinute / 60000
  local needed = amount
  if kind == "inputTokens" then needed = amount * 1.1 + limit.error end
  if kind == "outputTokens" then needed = 0 end
  local atOnce = kind == "requests" and amount or 0
  return math.max(
    (ahead + math.min(needed, sizeOf(limit)) - limit.level) / rate,
    (ahead + math.min(atOnce, burst(limit)) - limit.paced) / rate / limit.pace)
end

local function resize(limit, perMinute)
  limit.perMinute = perMinute
  limit.level = math.min(limit.level, sizeOf(limit))
  limit.paced = math.min(limit.paced, burst(limit))
end

local function setPace(limit, pace)
  limit.pace = pace
  limit.changedAt = now
end

local function recover(limit)
  if limit.pace == ${fast} or not limit.perMinute or now < limit.changedAt + 10000 then return end
  if not limit.isEven and limit.level > limit.perMinute / 4 then setPace(limit, ${fast})
  elseif limit.pace < ${even} or limit.isAssumed then
    limit.rises = limit.rises + 1
    setPace(limit, math.min(limit.isAssumed and math.huge or ${even}, limit.pace * (1 + 0.02 * limit.rises)))
  end
end

local function assume(limit)
  local passed = limit.used + limit.inFlight - limit.passedBefore
  local minutes = limit.emptyAt and (now - limit.emptyAt) / 60000
  if minutes and minutes < 5 / 60 then return end
  limit.passedBefore = limit.used + limit.inFlight
  limit.emptyAt = now
  if not minutes or passed <= 0 then return end
  limit.isAssumed = true
  limit.perMinute = math.max(10, passed / minutes * 0.95)
  limit.level = huge
  setPace(limit, 1)
  limit.paced = 0
end

local function refuse(limit, isExplained)
  if not isExplained then limit.isEven = true end
  limit.rises = 0
  if not limit.perMinute or limit.isAssumed then assume(limit)
  elseif limit.pace > ${even} then setPace(limit, ${even})
  elseif now >= limit.changedAt + 2000 then setPace(limit, limit.pace * 0.9) end
  if limit.perMinute then limit.paced = math.min(0, limit.paced) end
end

-- The lowest explicit limit of the processes, or what the API reports, if that is lower.
local function lowest(limit, kind)
  local least = limit.reported
  for _, process in pairs(group.processes) do
    local explicit = process.explicit[kind]
    if explicit and (not least or explicit < least) then least = explicit end
  end
  return least
end

-- Follows explicit limits, which come and go with their processes.
local function update(limit, kind)
  local least = lowest(limit, kind)
  if not least or least == limit.perMinute then return end
  if limit.perMinute and not limit.isAssumed then return resize(limit, least) end
  limit.isAssumed = false
  limit.isEven = true
  limit.perMinute = least
  limit.size = least
  limit.level = least
  limit.paced = burst(limit)
  setPace(limit, 1)
end

-- The process that holds a reservation, unless it was taken for dead and its reservations were given back.
local function holder(reservation)
  local process = group.processes[reservation.process]
  return process and process.born <= reservation.at and process
end

local function learn(limit, kind, reported, reservation)
  local isNew = not limit.perMinute or limit.isAssumed
  if limit.isAssumed then limit.size = 0 end
  limit.isAssumed = false
  limit.reported = reported.limit
  limit.error = reported.limit >= 10000 and reported.remaining % 1000 == 0 and 500 or 0
  -- Without a change, what was given back beyond the size of "paced" stays.
  local perMinute, size = lowest(limit, kind), math.max(limit.size, reported.remaining)
  if perMinute ~= limit.perMinute or size ~= limit.size then
    limit.size = size
    resize(limit, perMinute)
  end
  local isLate = kind == "outputTokens" and limit.size > 4 * limit.inFlight
  local most = reported.remaining - (isLate and limit.inFlight or 0)
  local least = reported.remaining - limit.error - limit.inFlight - (limit.used - reservation.used[kind])
  local isExact = limit.perMinute == reported.limit and reported.remaining > 2 * limit.error
  if isNew then
    limit.level = least
    limit.paced = 0
  elseif limit.level > most then limit.level = most
  elseif limit.level < least and isExact and holder(reservation) then limit.level = least end
end

local function release(process)
  for _, kind in ipairs(kinds) do
    local limit, held = group.limits[kind], process.held[kind]
    limit.inFlight = limit.inFlight - held
    take(limit, -held)
  end
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

local function emptiest()
  local least, found = math.huge, "requests"
  for _, kind in ipairs(kinds) do
    local limit = group.limits[kind]
    local lasts = limit.perMinute and math.min(limit.level, limit.paced) / limit.perMinute or math.huge
    if lasts < least then least, found = lasts, kind end
  end
  return found
end

local function close(milliseconds, at, short)
  local wasInFlight = at <= group.closedAt
  group.closedUntil = math.max(group.closedUntil, (wasInFlight and group.closedAt or now) + milliseconds)
  if wasInFlight then return end
  group.closedAt = now
  if #short == 0 then return refuse(group.limits[emptiest()], false) end
  for _, kind in ipairs(short) do refuse(group.limits[kind], milliseconds < 10000) end
end

-- What has passed since the last exchange of any process. The clock of the server may have been set back.

local elapsed = now - group.since
group.since = now
if elapsed < 0 then
  group.closedAt = group.closedAt + elapsed
  group.closedUntil = group.closedUntil + elapsed
end
for _, kind in ipairs(kinds) do
  local limit = group.limits[kind]
  limit.changedAt = math.min(limit.changedAt, now)
  limit.emptyAt = limit.emptyAt and math.min(limit.emptyAt, now)
  if limit.perMinute then
    local amount = math.max(0, elapsed) * limit.perMinute / 60000
    limit.level = refilled(limit.level, sizeOf(limit), amount)
    limit.paced = refilled(limit.paced, burst(limit), amount * limit.pace)
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
for kind, perMinute in pairs(stored and {} or exchange.known) do
  local limit = group.limits[kind]
  limit.reported = perMinute
  limit.perMinute = perMinute
  limit.size = perMinute
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
    close(notice.pause, notice.reservation.at, notice.short)
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
    local needed = limit.perMinute and wait(limit, kind, amounts[kind], ahead[kind]) or 0
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
    recover(limit)
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

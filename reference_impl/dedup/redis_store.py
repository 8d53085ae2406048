"""The store on Redis or Valkey: one script a step, on the server's clock.

Keys, all under the run's prefix (binary digests follow the colon):
    w:<fingerprint>  hash at, rank          the window; expires with it
    a:<event>        hash id, and while unconfirmed owner, fp, ev; expires once confirmed, after the retention
    leases           sorted set of events with unconfirmed alerts, by the end of their lease
"""

from collections.abc import Sequence
from typing import Any, Protocol

from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    NoScriptError,
    RedisError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from reference_impl.dedup.model import (
    ANSWERS,
    CLOCK_STEP_MS,
    Answer,
    Held,
    Reservation,
    StoreRefused,
    StoreUnavailable,
    Terms,
)

REQUEST_TIMEOUT_S = 1.0

_NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

_RESERVE = f"""{_NOW}
local event, id, owner, rank, fp, ev = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local window, lease = tonumber(ARGV[7]), tonumber(ARGV[8])
local known = redis.call('HMGET', KEYS[2], 'id', 'owner')
if known[1] then
  if known[2] ~= owner then return 'known' end
  -- The same request once more: its first answer was lost on the way.
  redis.call('ZADD', KEYS[3], now + lease, event)
  return 'emit'
end
local open = redis.call('HMGET', KEYS[1], 'at', 'rank')
local at = tonumber(open[1])
if at and now < at + window then
  if at > now + {CLOCK_STEP_MS} then
    redis.call('HSET', KEYS[1], 'at', now)
    redis.call('PEXPIRE', KEYS[1], window)
  end
  if rank <= tonumber(open[2]) then return 'suppress' end
  redis.call('HSET', KEYS[1], 'rank', rank)
  return 'update'
end
redis.call('HSET', KEYS[1], 'at', now, 'rank', rank)
redis.call('PEXPIRE', KEYS[1], window)
redis.call('HSET', KEYS[2], 'id', id, 'owner', owner, 'fp', fp, 'ev', ev)
redis.call('ZADD', KEYS[3], now + lease, event)
return 'emit'
"""

_RENEW = f"""{_NOW}
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[2] then return 0 end
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), ARGV[1])
return 1
"""

_CONFIRM = """
for i = 2, #KEYS do
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    redis.call('HDEL', KEYS[i], 'owner', 'fp', 'ev')
    redis.call('PEXPIRE', KEYS[i], ARGV[1])
  end
end
return 0
"""

# A lease that ends later than any lease begun now can was written before the clock was set back: taken over as well.
_TAKE_OVER = f"""{_NOW}
local owner, most, lease, alerts = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, most)
if #due < most then
  local odd = redis.call('ZRANGEBYSCORE', KEYS[1], now + lease + {CLOCK_STEP_MS}, '+inf', 'LIMIT', 0, most - #due)
  for _, event in ipairs(odd) do due[#due + 1] = event end
end
local taken = {{}}
for _, event in ipairs(due) do
  local alert = redis.call('HMGET', alerts .. event, 'id', 'fp', 'ev')
  if alert[1] and alert[2] then
    redis.call('HSET', alerts .. event, 'owner', owner)
    redis.call('ZADD', KEYS[1], now + lease, event)
    taken[#taken + 1] = {{event, alert[1], alert[2], alert[3]}}
  else
    redis.call('ZREM', KEYS[1], event)
  end
end
return taken
"""

_SCRIPTS = (_RESERVE, _RENEW, _CONFIRM, _TAKE_OVER)


class _Wire(Protocol):
    """The part of redis-py's connection that is used here, with its types."""

    def connect(self) -> None: ...

    def disconnect(self) -> None: ...
    def send_packed_command(self, command: Sequence[bytes], check_health: bool = ...) -> None: ...
    def read_response(self) -> Any: ...


class RedisStore:
    """One connection (see `model.Store`). `url` as redis-py takes it, such as `unix:///PATH/redis.sock?db=0`."""

    def __init__(self, url: str, prefix: str, terms: Terms) -> None:
        self._window_ms, self._lease_ms, self._retention_ms = (
            _number(ms) for ms in (terms.window_ms, terms.lease_ms, terms.retention_ms)
        )
        self._windows = f"{prefix}w:".encode()
        self._alerts = f"{prefix}a:".encode()
        self._leases = f"{prefix}leases".encode()
        self._connection = _wire(url)
        try:
            self._connection.connect()
            self._shas = self._load_scripts()
        except (RedisError, OSError) as error:
            self.close()
            raise StoreUnavailable(f"no connection to the store: {error}", maybe_done=False) from error

    def _load_scripts(self) -> dict[str, bytes]:
        return {script: self._ask((b"SCRIPT", b"LOAD", script.encode())) for script in _SCRIPTS}

    def reserve(self, wanted: Reservation) -> Answer:
        held = wanted.held
        arguments = (
            held.event_key,
            held.alert_id.encode(),
            held.owner.encode(),
            _number(wanted.rank),
            held.fingerprint.encode(),
            held.event_id.encode(),
            self._window_ms,
            self._lease_ms,
        )
        keys = (self._windows + wanted.window_key, self._alerts + held.event_key, self._leases)
        answer: bytes = self._call(_RESERVE, keys, arguments)
        return ANSWERS[answer]

    def renew(self, held: Held) -> bool:
        keys = (self._alerts + held.event_key, self._leases)
        return bool(self._call(_RENEW, keys, (held.event_key, held.owner.encode(), self._lease_ms)))

    def confirm(self, sent: Sequence[Held]) -> None:
        keys = (self._leases, *(self._alerts + held.event_key for held in sent))
        self._call(_CONFIRM, keys, (self._retention_ms, *(held.event_key for held in sent)))

    def take_over(self, owner: str, most: int) -> list[Held]:
        arguments = (owner.encode(), _number(most), self._lease_ms, self._alerts)
        rows = self._call(_TAKE_OVER, (self._leases,), arguments)
        return [Held(event, alert_id.decode(), fp.decode(), ev.decode(), owner) for event, alert_id, fp, ev in rows]

    def close(self) -> None:
        self._connection.disconnect()

    def _call(self, script: str, keys: tuple[bytes, ...], arguments: tuple[bytes, ...]) -> Any:
        try:
            try:
                return self._evaluate(script, keys, arguments)
            except NoScriptError:  # the server forgot them, as after SCRIPT FLUSH
                self._load_scripts()
                return self._evaluate(script, keys, arguments)
        except BusyLoadingError as error:
            raise StoreUnavailable(str(error), maybe_done=False) from error
        except (ConnectionError, TimeoutError, OSError) as error:
            raise StoreUnavailable(f"the store went away: {error}", maybe_done=True) from error
        except ResponseError as error:
            raise StoreRefused(f"the store answered with an error: {error}") from error

    def _evaluate(self, script: str, keys: tuple[bytes, ...], arguments: tuple[bytes, ...]) -> Any:
        return self._ask((b"EVALSHA", self._shas[script], _number(len(keys)), *keys, *arguments))

    def _ask(self, words: tuple[bytes, ...]) -> Any:
        """One round trip. Packed here: the driver's own packing, made for every type and for pipelines, takes twice as long."""
        packed = b"*%d\r\n%b" % (len(words), b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words]))
        self._connection.send_packed_command([packed], check_health=False)
        return self._connection.read_response()


def _number(value: int) -> bytes:
    return b"%d" % value


def _wire(url: str) -> _Wire:
    """A connection, not yet open, that tries nothing twice on its own."""
    pool = ConnectionPool.from_url(
        url,
        protocol=2,
        socket_timeout=REQUEST_TIMEOUT_S,
        socket_connect_timeout=REQUEST_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    return pool.make_connection()
